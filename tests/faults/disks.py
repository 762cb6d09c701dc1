"""Disks that are small, read-only or fail, and clocks that jump."""
import os
import subprocess


class Skip(Exception):
    """This machine cannot show it; said, not hidden."""


class SmallDisk:
    """A small tmpfs, for root only."""

    def __init__(self, path, options):
        self.path = path
        path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path], capture_output=True, check=False)
        if done.returncode != 0:
            raise Skip("no right to mount a small disk")

    def grow(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)

    def fill(self):
        """To the last byte, until the ballast goes."""
        with open(self.path / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass

    def empty(self):
        os.remove(self.path / "ballast")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=False)


class Shim:
    """A library that is loaded before others (shim.c). From the moment of `now` the clock is an hour ahead, or the
    disk under a folder is read-only."""

    def __init__(self, folder, disk=None):
        self.switch = folder / "switch"
        self.environment = {**os.environ, "LD_PRELOAD": os.environ["CHIASM_SHIM"], "SHIM_SWITCH": str(self.switch),
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
                            "SHIM_DISK" if disk else "SHIM_CLOCK": str(disk or 3600)}

    def now(self):
        self.switch.touch()

    def back(self):
        self.switch.unlink()
