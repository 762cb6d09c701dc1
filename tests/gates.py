"""Gates: places at which the program stands until the test lets it go on (src/base/gate.h), and faults there.

    with Gate("fit.unit", count=2) as gate:          # every rank at its second unit
        job = Popen(..., env=environment(gate))
        pids = gate.wait(2)                          # rank -> process id, of two ranks
        gate.open()                                  # at the end of the block too
"""
import os
import select
import sys
import tempfile
import time

from limits import limit


class Gate:
    """rank: who stands there, "*": each; count: at which of its passes."""

    def __init__(self, place, rank="*", count=1):
        if os.environ.get("CHIASM_GATES") != "1":
            print("skipped: this build has no gates")
            sys.exit(77)
        self.folder = tempfile.TemporaryDirectory(prefix="chiasm-gate-")
        fifo = os.path.join(self.folder.name, "fifo")
        os.mkfifo(fifo)
        os.chmod(self.folder.name, 0o755)  # some jobs run as another user
        os.chmod(fifo, 0o666)
        self.reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.entry = f"{place}:{rank}:{count}:{fifo}"
        self.heard = b""

    def told(self):
        """(what, rank, process id) of every line so far."""
        try:
            while self.reader is not None and (more := os.read(self.reader, 4096)):
                self.heard += more
        except BlockingIOError:
            pass
        return [(word[0], int(word[-2]), int(word[-1])) for word in map(str.split, self.heard.decode().splitlines())]

    def wait(self, ranks=1, job=None, what="at"):
        """rank -> process id of those that stand there, once they are so many. job: must go on so long."""
        end = time.monotonic() + limit(60)
        while len(found := {rank: pid for said, rank, pid in self.told() if said == what}) < ranks:
            ended = job is not None and not job.runs()
            if ended or time.monotonic() > end:
                why = "the job has ended" if ended else "too late"
                raise AssertionError(f"{self.entry}: {found} came, not {ranks}: {why}\n{job.printed() if job else ''}")
            select.select([self.reader], [], [], 0.1)
            time.sleep(0.001)  # a FIFO without writers is always ready
        return found

    def wait_signal(self, ranks=1, job=None):
        """The same of those who were sent a signal of base/stop.h while they stood there."""
        return self.wait(ranks, job, "signal")

    def open(self):
        """Let everybody go on, those who come later too."""
        if self.reader is not None:
            os.close(self.reader)
            self.reader = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open()
        self.folder.cleanup()


def fault(place, rank="*", count=1, what="io"):
    """What is to happen at a place: a failure (io, input, memory, numeric) or a signal to itself (kill, segv, stop)."""
    return f"{place}:{rank}:{count}:{what}"


def environment(*gates, faults=(), base=None):
    """That of a job with these gates and faults."""
    own = dict(os.environ if base is None else base)
    own["CHIASM_GATE"] = ";".join(gate.entry for gate in gates)
    own["CHIASM_FAULT"] = ";".join(faults)
    return own
