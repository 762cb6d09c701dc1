"""Both tests, integration, -both and the adjusted p against the Python reference."""
import os

import numpy as np

from compare import check_run, p_values
from program import run_tests
from run_maker import CHECKSUM, CONFIG, make_run

CONTRASTS = """
title: made up
contrasts:
  slip-beats-beit: {better: slip, than: beit}
  blip-random-first: {better: blip-random, than: sbert}
  "sense, sound": {better: {modality: vision}, than: {modality: acoustic}}
"""


def several_kinds(rows):
    """That the run has what the test is about."""
    assert any(r["significant"] for r in rows if r["comparison"] == "integration")
    assert any(r["p"] > 0.05 for r in rows if r["comparison"] == "integration")
    assert any(np.isnan(r["p"]) and r["bins"] > 0 for r in rows)
    assert any(r["bins"] == 0 for r in rows)
    assert any(r["better"] == "beit" and r["subject"] == "s1" and r["layer_better"] == ""
               for r in rows)
    names = set(r["comparison"] for r in rows)
    assert {"sense, sound", "slip-beats-beit-both", "integration-both"} <= names, names


def test_events():
    make_run("run", yaml=CONTRASTS)
    rows, out = check_run("run", "--min-bins", 4, min_bins=4)
    several_kinds(rows)
    assert "integration sites: " in out
    with open("run/config.yaml") as f:
        text = f.read()
    assert text.startswith("fit:\n") and text.endswith(
        'sites:\n  seed: 0\n  test: "events"\n  selection: "auto"\n  min-bins: 4\n  fdr: 0.05\n'), text


def test_influences():
    """Without a bootstrap.h5, and where it is there; the choice of models as part of the test; few blocks."""
    make_run("run", yaml=CONTRASTS, seed=4, files=("influence.h5",))
    for test in "influence", "influence-crossed":
        for selection in "fixed", "multiplier", "auto":
            rows, out = check_run("run", "--min-bins", 4, "--test", test, "--selection", selection, "--seed", 3,
                                  min_bins=4, test=test, selection=selection, seed=3)
            p = p_values(rows, "integration")
            assert np.isfinite(p).sum() > 3 and any(r["significant"] for r in rows)
    both = make_run("both", yaml=CONTRASTS, seed=4, files=("influence.h5", "bootstrap.h5"))
    check_run(both, "--min-bins", 4, min_bins=4, test="influence-crossed", selection="auto")
    with open("both/config.yaml") as f:
        assert 'test: "influence-crossed"' in f.read()
    check_run(both, "--min-bins", 4, "--test", "events", min_bins=4)
    make_run("spaces", by_space=True, seed=4, files=("influence.h5",))
    check_run("spaces", "--min-bins", 4, "--selection", "fixed", min_bins=4, test="influence-crossed")
    make_run("few", replicates=9, alignments={"film": 1}, files=("influence.h5",))
    rows, out = check_run("few", "--min-bins", 2, min_bins=2, test="influence-crossed")
    assert all(np.isnan(r["p"]) for r in rows) and any(r["bins"] > 0 for r in rows)
    assert "fewer than 10 blocks" in out, out


def test_less_sure():
    """Few blocks, and penalties at an edge of what the fit had to choose from, as all are here."""
    make_run("run", replicates=19, alignments={"film": 1}, files=("influence.h5",))
    _, out = check_run("run", "--min-bins", 2, min_bins=2, test="influence-crossed", selection="auto")
    assert "fewer than 20 blocks" in out and "--alphas" not in out, out
    for alphas, edge in ("[1, 10]", True), ("[0.1, 1]", True), ("[1]", False):
        make_run(alphas, replicates=20, alignments={"film": 1}, files=("influence.h5",),
                 config=CONFIG.replace("[0.1, 1, 10]", alphas))
        _, out = check_run(alphas, "--min-bins", 2, min_bins=2, test="influence-crossed", selection="auto")
        assert ("the lowest or the highest of --alphas" in out) == edge and "blocks of events, too" not in out, out


def test_xarray():
    """sites.h5 as a netCDF-4 file."""
    import xarray
    make_run("run", electrodes=2, bins=5, replicates=20)
    rows, _ = check_run("run", "--min-bins", 2, min_bins=2)
    with xarray.open_dataset("run/sites.h5", engine="h5netcdf") as ds:
        assert dict(ds.sizes) == {"row": len(rows)} and list(ds.coords) == ["row"]
        assert ds.attrs["chiasm_format"] == 2 and ds.attrs["study_checksum"] == CHECKSUM
        assert ds.attrs["study"] == os.path.abspath("run-study")
        assert list(ds["comparison"].values) == [r["comparison"] for r in rows]
        assert ds["p"].dtype == float and ds["x"].attrs["units"] == "mm"
        assert sum(ds["significant"].values) == sum(r["significant"] for r in rows)


def test_bins():
    make_run("run", yaml=CONTRASTS, seed=1)
    options = ("--test", "bins", "--min-bins", 4, "--seed", 7, "--fdr", 0.01)
    rows, _ = check_run("run", *options, "--threads", 1, test="bins", min_bins=4, seed=7, fdr=0.01)
    assert any(r["by_default"] for r in rows)
    assert (p_values(rows, "multi-beats-linear") < 0.01).any()
    with open("run/sites.h5", "rb") as f:
        first = f.read()
    check_run("run", *options, "--threads", 3, test="bins", min_bins=4, seed=7, fdr=0.01)
    with open("run/sites.h5", "rb") as f:
        assert f.read() == first


def test_crossed():
    make_run("run", yaml=CONTRASTS, seed=3)
    rows, _ = check_run("run", "--min-bins", 4, "--test", "crossed", min_bins=4, test="crossed")
    several_kinds(rows)
    make_run("few", yaml=CONTRASTS, seed=3, keep=False)
    check_run("few", "--min-bins", 4, "--test", "crossed", min_bins=4, test="crossed")


def test_replicates_not_kept():
    make_run("run", yaml=CONTRASTS, keep=False, seed=2)
    rows, _ = check_run("run", "--min-bins", 4, min_bins=4)
    several_kinds(rows)
    make_run("all", yaml=CONTRASTS, seed=2)
    check_run("all", "--min-bins", 4, min_bins=4)
    with open("run/sites.csv", "rb") as a, open("all/sites.csv", "rb") as b:
        assert a.read() == b.read()


def test_feature_spaces():
    """With every layer bootstrapped the best of them stands for its model: the same rows."""
    make_run("run", yaml=CONTRASTS, by_space=True, seed=3)
    check_run("run", "--min-bins", 4, min_bins=4)
    make_run("best", yaml=CONTRASTS, seed=3)
    check_run("best", "--min-bins", 4, min_bins=4)
    with open("run/sites.csv", "rb") as a, open("best/sites.csv", "rb") as b:
        assert a.read() == b.read()


def test_feature_spaces_tie():
    """The shallower of two equal layers."""
    def edit(a):
        rows = [i for i, (m, _, _) in enumerate(a.spaces) if m == "slip"]
        a.val_r[rows] = a.val_r[rows[0]]
    make_run("run", by_space=True, edit=edit)
    rows, _ = check_run("run", "--min-bins", 4, min_bins=4)
    assert set(r["layer_better"] for r in rows if r["better"] == "slip") == {"a"}


def test_unequal_subjects():
    """A subject in one alignment alone has no -both."""
    make_run("run", alignments={"language": 3, "vision": 1, "zoo": 2}, electrodes=3)
    rows, _ = check_run("run", "--min-bins", 3, min_bins=3)
    assert set(r["subject"] for r in rows if r["comparison"] == "integration-both") == {"s1"}


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run_tests(globals())
