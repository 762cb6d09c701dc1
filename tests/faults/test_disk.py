"""A disk too small for the scores: exit code 1, one line that says so, and --resume once there is room. It needs a tmpfs
of its own, which only root can mount, and not in every container."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from jobs import FAILED, check_same, fit
from study_maker import make_study


def main():
    if os.getuid() != 0:
        print("skipped: only root can mount a small disk")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = make_study(folder / "study", n=60, electrodes=60, bins=100, models={"netA": {"a": 5, "b": 6}})
        fit(study, folder / "reference")
        disk = folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk]).returncode != 0:
            print("skipped: this container may not mount")
            return 77
        try:
            for size in ("64k", "104k"):
                subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
                job = fit(study, disk / "run", "--resume", code=FAILED)
                lines = [x for x in job.output.splitlines() if x.startswith("chiasm: error:")]
                assert len(lines) == 1 and "disk/run" in lines[0], job.output
            subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
            fit(study, disk / "run", "--resume")
            check_same(disk / "run", folder / "reference")
        finally:
            subprocess.run(["umount", disk], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
