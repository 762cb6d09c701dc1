"""influence.h5 against numpy, on narrow and wide layers, sessions, gaps and responses that float32 cannot hold; the
same bytes for any number of ranks and threads; resuming; what is refused."""
import shutil

import h5py
import numpy as np

from compare_runs import differences
from program import chiasm, refused, run_tests, succeeded
from reference.influence import blocks, influences
from reference.runs import read_features, read_responses
from study_maker import make_study

STUDY = dict(subjects=("s1", "s2"), alignments=("film",), n=60, electrodes=3, bins=4, seed=5,
             models={"netA": {"wide": 70, "narrow": 5}, "netB": {"one": 8}})


def far_out(subject, alignment, y):
    """An electrode that goes through float64, one without a score, one with a NaN."""
    if subject == "s1":
        y[20, 1, ::2] = 1e9
        y[:, 2, 0] = 3
        y[4, 2, 1] = np.nan
    return y


def made(*fit, **change):
    make_study("study", **{**STUDY, "edit_y": far_out, **change})
    succeeded(chiasm("fit", "study", "-o", "run", *fit))


def read(run="run"):
    """The only group: name -> array."""
    with h5py.File(f"{run}/influence.h5") as f, h5py.File(f"{run}/fit.h5") as fit:
        out = {name: d.asstr()[...].astype(str) if d.dtype == object else d[...] for name, d in f["film"].items()}
        out["alpha"], out["space"] = fit["film/alpha"][()], fit["film/feature_space"].asstr()[()]
        return out


def check(residual="held-out", length=None, gap=0.0, tolerance=1e-6):
    """All numbers of the run's influence.h5."""
    data, compared = read(), 0
    for row, site in np.ndindex(data["layer"].shape):
        if data["layer"][row, site] == "":
            continue
        space = f"{data['model'][row]}/{data['layer'][row, site]}"
        subject, electrode = data["subject"][site], list(data["subject"]).index(data["subject"][site])
        y, onset, session = read_responses("study", subject, "film")
        y = y.reshape(len(y), 3, -1)[:, site - electrode]
        x = read_features("study", subject, "film", space)
        alpha = data["alpha"][list(data["space"]).index(space), site].astype(float)
        which = 0 if subject == "s1" else 1
        block = blocks(session, data["block_length"][which])
        assert block.max() + 1 == data["n_blocks"][which]
        assert length is None or data["block_length"][which] == length
        known = ~np.isnan(alpha)
        expected = influences(x, y[:, known], alpha[known], block, 5, onset, session, gap, residual)
        for half, name in enumerate(("val_r", "test_r")):
            got = data[name][row, site]
            assert np.isnan(got[:, ~known]).all() and np.isnan(got[block.max() + 1:]).all(), (name, row, site)
            error = np.abs(got[:block.max() + 1, known] - expected[half])
            size = np.sqrt((expected[half] ** 2).sum(axis=0))
            assert (error <= tolerance * size + 1e-9).all(), (name, space, site, (error / size).max())
            spread = np.sqrt((got[:block.max() + 1, known].astype(float) ** 2).sum(axis=0))
            assert np.allclose(spread, size, rtol=tolerance), (name, space, site)
            compared += known.sum()
    assert compared > 20


def test_held_out():
    made()
    succeeded(chiasm("influence", "run", "--layer-selection", "all", "--block", 3))
    check(length=3)


def test_double_with_gap():
    made("--gap", 1.5, "--precision", "double")
    succeeded(chiasm("influence", "run", "--layer-selection", "all"))
    check(gap=1.5, tolerance=2e-7)


def test_leave_one_out():
    made()
    succeeded(chiasm("influence", "run", "--layer-selection", "all", "--residual", "loo"))
    check(residual="loo")


def test_same_bytes():
    made(bins=300)
    for i, way in enumerate((dict(ranks=0), dict(ranks=2), dict(ranks=3), dict(ranks=4))):
        shutil.copytree("run", f"run{i}")
        threads = ("--threads", 3) if i == 1 else ()
        out = succeeded(chiasm("influence", f"run{i}", *threads, **way))
        assert "predicted: sites with 10 bins or more" in out
        assert not differences("run0/influence.h5", f"run{i}/influence.h5"), way
        assert "influences" in succeeded(chiasm("status", f"run{i}"))
        assert "influence.h5" in succeeded(chiasm("verify", f"run{i}"))


def test_resume_and_overwrite():
    made()
    succeeded(chiasm("influence", "run"))
    before = shutil.copy("run/influence.h5", "before.h5")
    refused(chiasm("influence", "run"), "holds an influence.h5 already")
    with h5py.File("run/influence.h5", "r+") as f:
        f["film/test_r"][0, 0, 0, 0] += 1
    done = chiasm("verify", "run")
    assert done.returncode == 1 and "the influences do not fit their checksum" in done.stdout, done
    succeeded(chiasm("influence", "run", "--resume"))
    assert not differences(before, "run/influence.h5")
    refused(chiasm("influence", "run", "--resume", "--residual", "loo"), "residual is")
    succeeded(chiasm("sites", "run", "--min-bins", 1))
    succeeded(chiasm("bootstrap", "run", "--replicates", 3))
    succeeded(chiasm("influence", "run", "--overwrite", "--block", 4))
    with h5py.File("run/influence.h5") as f, h5py.File("run/bootstrap.h5") as boot:
        assert (f["film/block_length"][()] == 4).all() and "film" in boot


def test_refused():
    made()
    refused(chiasm("influence", "nothing"), "nothing")
    refused(chiasm("influence", "run", "--block", 61), "--block 61", "has only 60 events")
    refused(chiasm("influence", "run", "--block", "few"), "--block")
    refused(chiasm("influence", "run", "--models", "x"), "no model fits")
    refused(chiasm("influence", "run", "--memory-per-rank", "1M"), "not fit into memory")


run_tests(globals())
