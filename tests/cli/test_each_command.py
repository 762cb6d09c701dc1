"""One small run of each command, on two ranks where it takes them: all of a study's life, for the sanitizers too."""
import os
from pathlib import Path

import h5py
import numpy as np

from program import chiasm, run_tests, succeeded

MACHINE = Path(__file__).resolve().parents[1] / "plan/machine.yaml"
EVENTS = 60


def done(*words, ranks=2):
    return succeeded(chiasm(*words, ranks=ranks))


def test_each_command():
    done("simulate", "study", "--subjects", 1, "--electrodes", 3, "--events", EVENTS, "--bins", 11, "--layers", 1,
         "--features", 5, "--alignments", "language", ranks=0)
    np.save("block.npy", np.random.default_rng(0).standard_normal((EVENTS, 8)))
    done("import", "features", "study", "--subject", "sim1", "--alignment", "language", "--model", "mine", "--modality",
         "vision", "--training", "trained", "block.npy")
    done("import", "concat", "study", "--model", "joined", "--of", "mine/block,vision-net/layer-01", ranks=0)
    assert "joined" in done("check", "study", ranks=0)
    few = ("--models", "mine,vision-net,language-net")
    done("fit", "study", "-o", "parts", *few)
    done("influence", "parts")
    done("bootstrap", "parts", "--replicates", 20)
    done("sites", "parts", "--min-bins", 2, ranks=0)
    done("run", "study", "-o", "rest", "--models", "joined,multimodal-net", "--uncertainty", "both", "--replicates", 20,
         "--min-bins", 2)
    done("merge", "parts", "rest", "-o", "whole")
    done("sites", "whole", "--min-bins", 2, ranks=0)
    for run in ("parts", "rest", "whole"):
        done("verify", run)
        assert ": complete" in done("status", run, ranks=0)
    with h5py.File("whole/fit.h5") as whole, h5py.File("parts/fit.h5") as parts:
        spaces = [list(f["language/feature_space"].asstr()) for f in (whole, parts)]
        for name in spaces[1]:
            a, b = spaces[0].index(name), spaces[1].index(name)
            np.testing.assert_array_equal(whole["language/test_r"][a], parts["language/test_r"][b])
    done("plan", "study", "--machine", MACHINE, ranks=0)
    done("bench", "--influence", "--events", 80, "--features", 20, "--targets", 10, ranks=0)
    done("bench", "project", "--events", 20, "--features", 300)
    done("bench", "sweep", "--units", 100)


def test_recording():
    with h5py.File("rec.h5", "w") as f:
        f["raw"] = np.random.default_rng(0).standard_normal((3, 20 * 100)).astype("f4")
    with open("events.csv", "w") as f:
        f.write("start\n" + "".join(f"{t}\n" for t in range(1, 19)))
    done("import", "events", "rec.h5", "-o", "study", "--subject", "p1", "--alignment", "scenes", "--window", "-0.5,0.7",
         "--bin", 0.1, "--step", 0.05, "--rate", 100, "--event-file", "events.csv", "--dataset", "raw")
    assert os.listdir("study/responses") == ["p1.scenes.h5"]


run_tests(globals())
