"""chiasm run: the stages in one job, stopped and gone on with."""
import os
import signal

from compare_runs import differences
from gates import Gate, environment
from program import Job, chiasm, refused, run_tests, succeeded

SMALL = ("--subjects", 1, "--electrodes", 3, "--events", 60, "--bins", 12, "--layers", 2, "--features", 5,
         "--alignments", "language")
FEW = ("--replicates", 60)


def same_run(a, b):
    for name in ("fit.h5", "bootstrap.h5", "sites.h5"):
        found = differences(f"{a}/{name}", f"{b}/{name}")
        assert not found, (name, found[:3])
    for name in ("sites.csv", "regions.csv"):
        with open(f"{a}/{name}") as x, open(f"{b}/{name}") as y:
            assert x.read() == y.read(), name


def test_same_as_its_stages():
    succeeded(chiasm("simulate", "study", *SMALL))
    said = succeeded(chiasm("run", "study", "-o", "whole", *FEW, "--folds", 4, "--fdr", 0.1, ranks=2))
    for part in ("mean test r", "their test r", "integration"):
        assert part in said, (part, said)
    succeeded(chiasm("fit", "study", "-o", "parts", "--folds", 4))
    succeeded(chiasm("bootstrap", "parts", *FEW, ranks=3))
    succeeded(chiasm("sites", "parts", "--fdr", 0.1))
    same_run("whole", "parts")
    with open("whole/config.yaml") as a, open("parts/config.yaml") as b:
        assert a.read() == b.read()
    refused(chiasm("run", "study", "-o", "whole", *FEW), "whole", "--resume")
    succeeded(chiasm("run", "study", "-o", "whole", "--resume", ranks=2))
    same_run("whole", "parts")
    succeeded(chiasm("run", "study", "-o", "whole", "--overwrite", "--replicates", 50))
    assert differences("whole/bootstrap.h5", "parts/bootstrap.h5")


def test_options_of_the_study():
    """study.yaml may name the options of a stage, or of run itself."""
    succeeded(chiasm("simulate", "study", *SMALL))
    with open("study/study.yaml", "a") as f:
        f.write("bootstrap: {replicates: 55}\nrun: {min-bins: 3}\noptions: {folds: 4}\n")
    succeeded(chiasm("run", "study", "-o", "r", ranks=2))
    with open("r/config.yaml") as f:
        text = f.read()
    for line in ("replicates: 55", "min-bins: 3", "folds: 4"):
        assert line in text, (line, text)


def test_stopped_in_the_bootstrap():
    succeeded(chiasm("simulate", "study", *SMALL))
    with Gate("bootstrap.unit", count=2) as gate:
        job = Job("run", "study", "-o", "r", *FEW, env=environment(gate))
        gate.wait(2, job)
        assert "running: bootstrap" in chiasm("status", "r").stdout
        job.kill("mpirun", signal.SIGUSR1)
        gate.wait_signal(2, job)
    job.end(3)
    said = succeeded(chiasm("status", "r"), code=3)
    assert "not complete" in said and "--resume" in said and "replicates" in said, said
    succeeded(chiasm("run", "study", "-o", "r", "--resume", ranks=2))
    assert ": complete" in succeeded(chiasm("status", "r"))
    succeeded(chiasm("run", "study", "-o", "undisturbed", *FEW, ranks=2))
    same_run("r", "undisturbed")


def test_status_of_what_is_to_come():
    succeeded(chiasm("simulate", "study", *SMALL))
    succeeded(chiasm("run", "study", "-o", "r", *FEW, ranks=2))
    os.remove("r/sites.csv")
    assert "sites is still to be done" in succeeded(chiasm("status", "r"), code=3)
    os.remove("r/bootstrap.h5")
    assert "the bootstrap is still to be done" in succeeded(chiasm("status", "r"), code=3)
    succeeded(chiasm("run", "study", "-o", "r", "--resume"))
    assert ": complete" in succeeded(chiasm("status", "r"))


run_tests(globals())
