"""chiasm run: the stages in one job, stopped and gone on with."""
import os
import signal

from compare_runs import differences
from gates import Gate, environment
from program import Job, chiasm, refused, run_tests, succeeded

SMALL = ("--subjects", 1, "--electrodes", 3, "--events", 60, "--bins", 12, "--layers", 2, "--features", 5,
         "--alignments", "language")
BOTH = ("--uncertainty", "both", "--replicates", 60)


def same_run(a, b, *more):
    for name in ("fit.h5", "influence.h5", "sites.h5", *more):
        found = differences(f"{a}/{name}", f"{b}/{name}")
        assert not found, (name, found[:3])
    for name in ("sites.csv", "regions.csv"):
        with open(f"{a}/{name}") as x, open(f"{b}/{name}") as y:
            assert x.read() == y.read(), name


def test_same_as_its_stages():
    succeeded(chiasm("simulate", "study", *SMALL))
    said = succeeded(chiasm("run", "study", "-o", "whole", "--folds", 4, "--fdr", 0.1, ranks=2))
    for part in ("mean test r", "their test r", "integration"):
        assert part in said, (part, said)
    succeeded(chiasm("fit", "study", "-o", "parts", "--folds", 4))
    succeeded(chiasm("influence", "parts", ranks=3))
    succeeded(chiasm("sites", "parts", "--fdr", 0.1))
    same_run("whole", "parts")
    with open("whole/config.yaml") as a, open("parts/config.yaml") as b:
        assert a.read() == b.read()
    refused(chiasm("run", "study", "-o", "whole"), "whole", "--resume")
    succeeded(chiasm("run", "study", "-o", "whole", "--resume", ranks=2))
    same_run("whole", "parts")


def test_uncertainty():
    """Each kind makes its file, and --resume knows which it was."""
    succeeded(chiasm("simulate", "study", *SMALL))
    made = {"influence": ["influence.h5"], "bootstrap": ["bootstrap.h5"], "both": ["bootstrap.h5", "influence.h5"]}
    for kind, files in made.items():
        succeeded(chiasm("run", "study", "-o", kind, "--uncertainty", kind, "--replicates", 20))
        for again in range(2):
            assert sorted(f for f in os.listdir(kind) if f[:3] in ("inf", "boo")) == files, (kind, again)
            assert os.path.exists(f"{kind}/sites.csv")
            succeeded(chiasm("run", "study", "-o", kind, "--resume", ranks=2))
    assert not differences("both/bootstrap.h5", "bootstrap/bootstrap.h5")
    assert not differences("both/influence.h5", "influence/influence.h5")
    succeeded(chiasm("run", "study", "-o", "both", "--uncertainty", "both", "--overwrite", "--replicates", 30))
    assert differences("both/bootstrap.h5", "bootstrap/bootstrap.h5")


def test_options_of_the_study():
    """study.yaml may name the options of a stage, or of run itself."""
    succeeded(chiasm("simulate", "study", *SMALL))
    with open("study/study.yaml", "a") as f:
        f.write("bootstrap: {replicates: 55}\nrun: {min-bins: 3, uncertainty: both}\noptions: {folds: 4}\n")
    succeeded(chiasm("run", "study", "-o", "r", ranks=2))
    with open("r/config.yaml") as f:
        text = f.read()
    for line in ("replicates: 55", "min-bins: 3", "folds: 4"):
        assert line in text, (line, text)


def test_stopped_in_the_bootstrap():
    succeeded(chiasm("simulate", "study", *SMALL))
    with Gate("bootstrap.unit", count=2) as gate:
        job = Job("run", "study", "-o", "r", *BOTH, env=environment(gate))
        gate.wait(2, job)
        assert "running: bootstrap" in chiasm("status", "r").stdout
        job.kill("mpirun", signal.SIGUSR1)
        gate.wait_signal(2, job)
    job.end(3)
    said = succeeded(chiasm("status", "r"), code=3)
    assert "not complete" in said and "--resume" in said and "replicates" in said, said
    succeeded(chiasm("run", "study", "-o", "r", "--resume", ranks=2))
    assert ": complete" in succeeded(chiasm("status", "r"))
    succeeded(chiasm("run", "study", "-o", "undisturbed", *BOTH, ranks=2))
    same_run("r", "undisturbed", "bootstrap.h5")


def test_status_of_what_is_to_come():
    succeeded(chiasm("simulate", "study", *SMALL))
    succeeded(chiasm("run", "study", "-o", "r", *BOTH, ranks=2))
    os.remove("r/sites.csv")
    assert "sites is still to be done" in succeeded(chiasm("status", "r"), code=3)
    os.remove("r/bootstrap.h5")
    assert "the bootstrap is still to be done" in succeeded(chiasm("status", "r"), code=3)
    os.remove("r/influence.h5")
    assert "still to be done" in succeeded(chiasm("status", "r"), code=3)
    succeeded(chiasm("run", "study", "-o", "r", "--resume"))
    assert ": complete" in succeeded(chiasm("status", "r"))


run_tests(globals())
