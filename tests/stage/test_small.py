"""A study of few events and few bins: intervals all the same, or a clear word why there is nothing."""
import os
from pathlib import Path

import numpy as np

from program import chiasm, refused, run_tests, succeeded
from stage.boot import booted, fitted, read
from stage.draws import draw
from study_maker import make_study

N, FOLDS, REPLICATES, BINS = 81, 9, 200, 4
SMALL = dict(n=N, electrodes=3, bins=BINS, models={"netA": {"one": 3}, "netA-random": {"one": 2}})


def short(replicate):
    """Whether a half of a fold repeats one event."""
    event = draw(0, "s1", "language", np.zeros(N, int), 1, replicate)
    halves = [half for fold in np.array_split(event, FOLDS) for half in (fold[:len(fold) // 2], fold[len(fold) // 2:])]
    return any(len(set(half)) == 1 for half in halves)


def test_small():
    """81 events in 9 folds."""
    study = make_study("study", **SMALL, attrs={"exchangeable": 1})
    fitted(study, "run", "--folds", FOLDS)
    count = sum(short(r) for r in range(REPLICATES))
    assert count > 0.05 * REPLICATES
    out = booted("run", "--replicates", REPLICATES)
    assert f"in some of the {REPLICATES} replicates (s1.language {count}) a half of a fold repeats one event" in out, out
    data = read(Path("run"))
    assert np.isfinite(data["val_r"]).all() and np.isfinite(data["test_r_lower"]).all()
    found = chiasm("check", study, "--folds", FOLDS)
    count = sum(short(r) for r in range(100))
    assert found.returncode == 0 and f"in about {count} of 100 bootstrap replicates" in found.stderr, found.stderr
    assert "in about" not in chiasm("check", study, "--folds", 2).stderr


def test_few_bins():
    """--min-bins is at most the bins there are: by default, and before anything is calculated."""
    study = make_study("study", **SMALL)
    refused(chiasm("run", study, "-o", "run", "--min-bins", BINS + 1), "--min-bins 5: the alignment language has 4 bins")
    assert not os.path.exists("run")
    result = chiasm("run", study, "-o", "run", "--replicates", 40)
    succeeded(result)
    assert "predicted: sites with 10 bins or more (or all, of fewer)" in result.stdout
    assert f"where it keeps {BINS} bins or more" in result.stdout
    refused(chiasm("sites", "run", "--min-bins", BINS + 1), "--min-bins 5: the alignment language has 4 bins")
    result = chiasm("run", study, "-o", "run", "--resume", "--min-bins", 2)
    succeeded(result)
    assert "where it keeps 2 bins or more" in result.stdout and "sites with 2 bins or more whose" in result.stdout


def test_nothing_found():
    """Layers that know nothing: both stages say that there is nothing, and why."""
    study = make_study("study", **SMALL, edit_x=lambda s, a, m, layer, x: np.random.default_rng(3).normal(size=x.shape))
    result = chiasm("run", study, "-o", "run", "--replicates", 40)
    succeeded(result)
    assert "no model predicts any site" in result.stderr and "of 24 bins 0 have no interval" in result.stderr, result
    assert "nothing is tested: no model keeps 4 bins at any site" in result.stderr


if __name__ == "__main__":
    run_tests(globals())
