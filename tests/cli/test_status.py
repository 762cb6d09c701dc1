"""chiasm status: of complete, failed, killed, running and missing runs."""
import fcntl
import json
import os
import shutil
import time

import h5py
import numpy as np
from gates import environment, fault
from program import chiasm, refused, run_tests, succeeded
from study_maker import make_study


def make_run(**kwargs):
    make_study("study", subjects=("s1", "s2"), alignments=("language", "vision"),
               models={"netA": {"a": 6, "b": 5}}, **kwargs)
    return chiasm("fit", "study", "-o", "run", "--threads", 1)


def numbers(text, row):
    """done, failed, left (of units: running too) in that row of the table."""
    line = next(line for line in text.splitlines() if line.split()[:1] == [row])
    return [int(word) for word in line.split()[1:]]


def unset(count, value=0):
    """Take the flags of the first `count` sites of the first space back, as after a kill."""
    with h5py.File("run/fit.h5", "r+") as f:
        f["language/done"][0, :count] = value


def edit_status(**kwargs):
    with open("run/status.json") as f:
        status = json.load(f)
    status.update(kwargs)
    with open("run/status.json", "w") as f:
        json.dump(status, f)


def test_complete():
    succeeded(make_run())
    text = succeeded(chiasm("status", "run"))
    assert text.startswith("run: complete\n")
    models = 2 * 2 * 2 * 3 * 4  # alignments, spaces, subjects, electrodes, bins
    assert numbers(text, "models") == [models, 0, 0]
    assert numbers(text, "language") == numbers(text, "vision") == [models // 2, 0, 0]
    assert numbers(text, "units")[1:] == [0, 0, 0]


def test_failed_unit():
    def edit_x(subject, alignment, model, layer, x):
        if (subject, alignment, layer) == ("s1", "vision", "a"):
            x[5, 2] = np.nan
        return x
    result = make_run(edit_x=edit_x)
    assert result.returncode == 1, result.stderr
    text = succeeded(chiasm("status", "run"), code=1)
    assert text.startswith("run: complete, with failed units\n")
    assert numbers(text, "vision") == [36, 12, 0] and numbers(text, "language") == [48, 0, 0]


def test_killed():
    """The flags alone decide; status.json may be old, missing or torn."""
    succeeded(make_run())
    unset(2)
    edit_status(state="running", running=1)
    text = succeeded(chiasm("status", "run"), code=3)
    assert "its job does not seem to be running" in text.splitlines()[0]
    assert "--resume" in text and numbers(text, "language") == [40, 0, 8]
    os.remove("run/status.json")
    text = succeeded(chiasm("status", "run"), code=3)
    assert "no job is running" in text and numbers(text, "models") == [88, 0, 8]
    assert "units" not in text
    with open("run/status.json", "w") as f:
        f.write('{"stage": "f')
    succeeded(chiasm("status", "run"), code=3)
    os.remove("run/lock")
    succeeded(chiasm("status", "run"), code=3)
    succeeded(chiasm("fit", "study", "-o", "run", "--threads", 1, "--resume"))
    succeeded(chiasm("status", "run"))


def test_what_status_json_says_stays_in_its_line():
    succeeded(make_run())
    edit_status(state="run\nmodels 9", written="2026-11-21T04:37:00Z\x9b2J")
    text = succeeded(chiasm("status", "run"))
    assert "state: run models 9" in text and numbers(text, "models") == [96, 0, 0], text
    assert all(line.isprintable() for line in text.splitlines()), text


def test_running():
    succeeded(make_run())
    unset(3)
    edit_status(state="running", done=7, running=1, left=0, models_per_s=1234, seconds_left=250,
                end="2026-11-21T04:37:00Z",
                written=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 30)))
    with open("run/lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        text = succeeded(chiasm("status", "run"), code=3)
        # asking takes nothing from the job
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert text.startswith("run: running: fit, 1 rank, ")
    assert numbers(text, "units") == [7, 1, 0, 0]
    assert "1234 models per second" in text and "about 4 min 10 s" in text
    assert "2026-11-21T04:37:00Z" in text and "(3" in text


def test_layers_that_are_missing():
    """What some subject lacks is not left to do."""
    make_study("study", subjects=("s1", "s2"), models={"netA": {"a": 6, "b": 5}})
    with h5py.File("study/features/s2.language/netA.h5", "r+") as f:
        del f["layers/b"]
    succeeded(chiasm("fit", "study", "-o", "run", "--threads", 1, "--allow-missing"))
    text = succeeded(chiasm("status", "run"))
    assert text.startswith("run: complete\n") and numbers(text, "models") == [36, 0, 0]


def test_not_begun():
    """A job that reads its study, or was killed while it did, has no fit.h5 yet."""
    os.mkdir("run")
    with open("run/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "run: starting" in succeeded(chiasm("status", "run"), code=3)
    text = succeeded(chiasm("status", "run"), code=3)
    assert "run: not begun" in text and "--resume" in text


def test_pipes():
    """In the place of a file of the run nobody waits for their other end."""
    succeeded(make_run())
    for name in ("status.json", "log.txt", "lock"):
        os.remove(f"run/{name}")
        os.mkfifo(f"run/{name}")
        assert succeeded(chiasm("status", "run")).startswith("run: complete\n")
        if name != "lock":
            refused(chiasm("fit", "study", "-o", "run", "--resume"), f"run/{name}: is not a regular file")
            os.remove(f"run/{name}")
            open(f"run/{name}", "w").close()


def test_parts():
    """While a job array is at work RUN is not there, but RUN.parts is, with a run and a log for each model."""
    succeeded(make_run())
    os.mkdir("all.parts")
    open("all.parts/netA.log", "w").close()
    for name in ("netA", "netB"):
        shutil.copytree("run", f"all.parts/{name}")
    os.makedirs("all.parts/netC")
    open("all.parts/netC/lock", "w").close()
    os.rename("all.parts/netB", "run2")
    os.rename("run", "run1")
    os.rename("run2", "run")
    unset(2)
    os.rename("run", "all.parts/netB")
    lines = succeeded(chiasm("status", "all/"), code=3).splitlines()
    assert lines[0].startswith("all/: not there yet")
    assert lines[1] == "all.parts/netA: complete" and lines[2].startswith("all.parts/netB: not complete; no job")
    assert lines[3].startswith("all.parts/netC: not begun")
    assert numbers("\n".join(lines), "netA") == [96, 0, 0] and numbers("\n".join(lines), "netB") == [88, 0, 8]
    os.rename("run1", "all")
    assert succeeded(chiasm("status", "all")).startswith("all: complete")


def test_crash():
    """HDF5 does not survive reading some damaged files: status does."""
    succeeded(make_run())
    if os.environ["CHIASM_GATES"] == "1":
        done = chiasm("status", "run", env=environment(faults=[fault("status.file", what="segv")]))
        refused(done, "run/fit.h5: HDF5 crashed on it")


def test_no_run():
    refused(chiasm("status", "run"), "run: no such run")
    open("file", "w").close()
    refused(chiasm("status", "file"), "file: no run")
    os.mkdir("empty")
    refused(chiasm("status", "empty"), "empty")
    succeeded(make_run())
    shutil.copytree("run", "cut")
    os.truncate("cut/fit.h5", 1000)
    refused(chiasm("status", "cut"), "cut/fit.h5")


run_tests(dict(globals()))
