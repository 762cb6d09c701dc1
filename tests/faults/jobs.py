"""Jobs of chiasm under way, and what is done to them."""
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np

from inputs.job import CHIASM, ERROR, command
from limits import limit


class Job:
    """A command under way, ranks=0: without mpirun. What it prints goes into a file: a pipe would tie us to ranks that
    outlive their mpirun."""

    def __init__(self, *arguments, ranks=2, prefix=(), program=CHIASM, **keywords):
        line = command(ranks, *arguments, program=program)
        self.out = tempfile.TemporaryFile()
        self.mpirun, self.program = ranks > 0, str(program)
        self.process = subprocess.Popen([*prefix, *line], stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=subprocess.STDOUT, **keywords)
        self.pid = self.process.pid

    def runs(self):
        return self.process.poll() is None

    def printed(self):
        self.out.seek(0)
        return self.out.read().decode(errors="replace")

    def end(self, *codes, text=(), most=1):
        """Its exit code and what it printed. codes: one of these it must be; text: what must be printed.
        most: lines of error."""
        try:
            self.process.wait(limit(60))
        except subprocess.TimeoutExpired:
            state = [Path(f"/proc/{pid}/status").read_text().splitlines()[2] for pid in self.ranks().values()]
            self.kill("all")
            self.process.wait()
            raise AssertionError(f"no end, ranks {state}\n{self.printed()}") from None
        code, out = self.process.returncode, self.printed()
        assert not codes or code in codes, f"exit code {code}, expected {codes}\n{out}"
        for t in [text] if isinstance(text, str) else text:
            assert t in out, f"no {t!r} in\n{out}"
        errors = [line for line in out.splitlines() if line.startswith(ERROR)]
        if codes and code in (0, 3):
            assert not errors, out
        elif codes == (1,) or codes == (2,):
            assert len(errors) <= most, out  # several ranks may meet the same before mpirun ends them
        return code, out

    def ranks(self):
        """rank -> process id: the children of mpirun that are ranks already; or the one process, and its child."""
        if not self.mpirun:
            own = [p for p in children(self.pid) if self.program.encode() in command_line(p)]  # not MPI's helper
            return dict(enumerate([self.pid, *own]))
        found = {}
        for pid in children(self.pid):
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            for entry in environment:
                if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                    found[int(entry.split(b"=")[1])] = pid
        return found

    def kill(self, whom, number=signal.SIGKILL):
        """whom: "mpirun", "ranks", "all", or a rank. What was there to kill is killed."""
        ranks = self.ranks()
        pids = {"mpirun": [self.pid], "ranks": ranks.values(), "all": [self.pid, *ranks.values()]}.get(whom)
        for pid in [ranks.get(whom)] if pids is None else pids:
            try:
                if pid and (pid != self.pid or self.runs()):
                    os.kill(pid, number)
            except ProcessLookupError:
                pass

    def catches(self):
        """Whether the one process is as far as to catch SIGTERM; before, it may die of one."""
        try:
            mask = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{self.pid}/status").read_text())
        except OSError:
            return False
        return mask is not None and int(mask[1], 16) >> (signal.SIGTERM - 1) & 1 == 1


def children(pid):
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def processes_of(folder):
    """Lines of commands that name something in this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        pid = int(path.parent.name)
        line = command_line(pid).replace(b"\0", b" ").decode(errors="replace")
        if str(folder) in line and pid != os.getpid():
            found.append(f"{pid}: {line}")
    return found


PLACES = {}  # (path, inode): where its flags are


def places(path):
    """(offset, shape, which of them are of something to be done) of every alignment's flags: contiguous, and there from
    the moment at which the file has its name."""
    with h5py.File(path, "r") as f:
        return [(a["done"].id.get_offset(), a["done"].shape,
                 a["layer"][()] != b"" if "replicate_block" in a else np.ones(a["done"].shape, bool)) for a in f.values()]


def flags(path):
    """All `done` flags of a fit.h5 or bootstrap.h5 that is there, in one row. Quick enough to watch a job by."""
    key = (str(path), os.stat(path).st_ino)
    if key not in PLACES:
        PLACES[key] = places(path)
    with open(path, "rb") as file:
        parts = [(os.pread(file.fileno(), int(np.prod(shape)), at), shape, mask) for at, shape, mask in PLACES[key]]
    return np.concatenate([np.frombuffer(data, np.uint8).reshape(shape)[mask].ravel() for data, shape, mask in parts])
