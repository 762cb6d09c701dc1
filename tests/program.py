"""Starting chiasm as its users do: to its end, or as a job that something is done to."""
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from limits import limit

CHIASM = os.environ["CHIASM"]
MPIRUN = shlex.split(os.environ["CHIASM_MPIRUN"])
ERROR = "chiasm: error: "


def command(ranks, *arguments, program=CHIASM):
    """The line that starts it; ranks > 0: under mpirun."""
    return [*(MPIRUN + ["-n", str(ranks)] if ranks else ()), program, *map(str, arguments)]


def chiasm(*arguments, ranks=0, prefix=(), program=CHIASM, seconds=100, **keywords):
    """The finished process: returncode, stdout, stderr. keywords: of subprocess.run."""
    return subprocess.run([*prefix, *command(ranks, *arguments, program=program)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", timeout=limit(seconds), **keywords)


def errors(done):
    return [line for line in done.stderr.splitlines() if line.startswith(ERROR)]


def said(done, code, *texts):
    """It must have ended with this code and exactly one line of error, which holds these texts."""
    lines = errors(done)
    assert done.returncode == code, f"{done.args}: exit code {done.returncode}, expected {code}\n{done.stderr}"
    assert len(lines) == 1, f"{done.args}: not one line of error\n{done.stderr}"
    assert lines[0].isprintable(), repr(lines[0])
    for text in texts:
        assert text in lines[0], f"{done.args}: no {text!r} in {lines[0]!r}"


def refused(done, *texts, code=2):
    """The same, and nothing on stdout."""
    said(done, code, *texts)
    assert done.stdout == "", done.stdout


def succeeded(done, code=0):
    """It must have ended with this code and no error. What stdout has."""
    assert done.returncode == code, (done.args, done.returncode, done.stderr)
    assert not errors(done), done.stderr
    return done.stdout


def contents(folder):
    """The bytes of every file of a folder but the lock's; None where there is no folder."""
    folder = Path(folder)
    if not folder.is_dir():
        return None
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "lock"}


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
        lines = [line for line in out.splitlines() if line.startswith(ERROR)]
        if codes and code in (0, 3):
            assert not lines, out
        elif codes == (1,) or codes == (2,):
            assert len(lines) <= most, out  # several ranks may meet the same before mpirun ends them
        return code, out

    def ranks(self):
        """rank -> process id: the children of mpirun that are ranks already; or the one process, and its child."""
        if not self.mpirun:
            own = [p for p in children(self.pid) if self.program.encode() in command_line(p)]  # not MPI's helper
            return dict(enumerate([self.pid, *own]))
        found = {}
        for pid in children(self.pid):
            try:
                rank = re.search(rb"\0OMPI_COMM_WORLD_RANK=(\d+)\0", Path(f"/proc/{pid}/environ").read_bytes())
            except OSError:
                continue
            if rank:
                found[int(rank[1])] = pid
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


def run_tests(names):
    """Every test_* of a module, each in a folder of its own; the exit code says whether all passed."""
    failed = 0
    home = os.getcwd()
    for name, function in sorted(names.items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory(prefix="chiasm-test-") as folder:
            os.chdir(folder)
            try:
                function()
                print("ok", name, flush=True)
            except Exception:
                failed += 1
                print("FAILED", name, flush=True)
                traceback.print_exc()
            os.chdir(home)
    sys.exit(1 if failed else 0)
