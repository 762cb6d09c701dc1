"""Running chiasm under mpirun and looking at how it ended."""
import os
import shlex
import subprocess

CHIASM = os.environ["CHIASM"]
MPIRUN = shlex.split(os.environ["CHIASM_MPIRUN"])


def fit(study, run, *options, ranks=2, timeout=60, prefix=(), program=CHIASM, **keywords):
    command = [*prefix, *MPIRUN, "-n", str(ranks), program, "fit", str(study), "-o", str(run),
               *map(str, options)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, **keywords)


def errors(end):
    return [line for line in end.stderr.splitlines() if line.startswith("chiasm: error:")]


def complaint(end, code, *texts):
    """What is wrong with how a job ended, or None: this exit code, and for an error one line with all texts.

    mpirun's own remarks on a job that failed are left aside."""
    lines = errors(end)
    expected = 0 if code == 0 else 1
    if end.returncode != code:
        return f"exit code {end.returncode}, expected {code}: {end.stdout}{end.stderr}"
    if len(lines) != expected:
        return f"{len(lines)} lines of error, expected {expected}: {end.stderr}"
    if expected and (missing := [t for t in texts if t not in lines[0]]):
        return f"the line names no {missing}: {lines[0]}"
    return None
