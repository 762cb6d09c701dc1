"""bootstrap.h5 is the same bytes for any number of ranks and threads; without its replicates it says the same, in
less room."""
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import xarray

from stage.boot import SUMMARIES, boot, booted, fitted, read, refused
from compare_runs import differences
from program import chiasm, contents
from study_maker import make_study

# Blocks of 3, 3 and 1 electrodes; layers with fewer and with more features than distinct events.
def far_out(subject, alignment, y):
    """Two electrodes that go through float64."""
    y[20, [1, 5], ::2] = 1e9
    return y


STUDY = dict(subjects=("s1",), alignments=("film",), n=50, electrodes=7, bins=400, edit_y=far_out,
             models={"netA": {"wide": 80, "narrow": 9, "one": 1}, "netB": {"one": 2}})
WAYS = [dict(ranks=0, threads=1), dict(ranks=2), dict(ranks=3, threads=2), dict(ranks=4), dict(ranks=1, threads=3)]
OPTIONS = ("--replicates", 51)


def check_ways(folder):
    study = make_study(folder / "study", **STUDY)
    wrong = []
    for precision, selection, ways in (("mixed", "site", WAYS), ("double", "all", WAYS[1:3])):
        first, fit_run = None, folder / precision
        fitted(study, fit_run, "--precision", precision)
        for i, way in enumerate(ways):
            run = folder / f"{precision}{i}"
            shutil.copytree(fit_run, run)
            threads = ("--threads", way["threads"]) if "threads" in way else ()
            booted(run, *OPTIONS, "--layer-selection", selection, *threads, ranks=way["ranks"])
            first = first or run
            wrong += [f"{way} {precision}: {text}" for text in
                      differences(first / "bootstrap.h5", run / "bootstrap.h5")]
    assert not wrong, "\n".join(wrong)
    assert differences(folder / "mixed0/bootstrap.h5", folder / "double0/bootstrap.h5")  # it sees differences
    return folder / "mixed0"


def check_kept(full, small):
    """kept_val_r, kept_test_r: those of every row with a layer, at the bins that some row keeps at the site."""
    keeps = (full["val_r_lower"] > 0).any(axis=0) & (full["layer"] != "")[..., None]
    row, site, time = np.nonzero(keeps)
    assert 0 < len(row) < keeps.size
    for name, expected in (("kept_row", row), ("kept_site", site), ("kept_time", time)):
        assert small[name].dtype == np.int32 and (small[name] == expected).all(), name
    for score in ("val_r", "test_r"):
        assert np.array_equal(small[f"kept_{score}"], full[score][row, site, :, time], equal_nan=True), score
        assert small[f"kept_{score}"].dtype == np.float32


def check_dropped(folder, whole):
    """--no-keep-replicates, from the start and on --resume."""
    run, later = folder / "dropped", folder / "later"
    shutil.copytree(folder / "mixed", run)
    shutil.copytree(whole, later)
    booted(run, *OPTIONS, "--no-keep-replicates", ranks=3)
    booted(later, "--resume", "--no-keep-replicates", ranks=0)
    assert not differences(run / "bootstrap.h5", later / "bootstrap.h5")
    full, small = read(whole), read(run)
    assert set(full) - set(small) == {"val_r", "test_r"}
    assert set(small) - set(full) == {"kept_val_r", "kept_test_r", "kept_checksum", "kept_row", "kept_site",
                                      "kept_time", "entry"}
    for name in set(full) & set(small):
        assert np.array_equal(full[name], small[name], equal_nan=full[name].dtype.kind == "f"), name
    check_kept(full, small)
    less = (whole / "bootstrap.h5").stat().st_size - (run / "bootstrap.h5").stat().st_size
    dropped = 2 * (full["val_r"].nbytes - small["kept_val_r"].nbytes)
    assert 0.9 * dropped - 12 * small["entry"].size < less <= dropped + 20000, (less, dropped)
    with h5py.File(run / "bootstrap.h5") as a, h5py.File(whole / "bootstrap.h5") as b:
        assert {k: str(v) for k, v in a.attrs.items() if not k.startswith("run_")} == \
            {k: str(v) for k, v in b.attrs.items() if not k.startswith("run_")}
    with xarray.open_dataset(run / "bootstrap.h5", engine="h5netcdf", group="film") as data:
        assert data.kept_test_r.dims == ("entry", "replicate") and data.kept_time.dims == ("entry",)
        assert data[SUMMARIES[1]].dims == ("model", "site", "time")

    before = (run / "bootstrap.h5").read_bytes()
    for options in (("--resume",), ("--resume", "--no-keep-replicates")):
        out = booted(run, *options)
        assert "is complete already" in out and "netB" in out, out
        assert (run / "bootstrap.h5").read_bytes() == before
    check_damaged(run)
    refused(run, "--resume", "--replicates", 52, text="replicates is 51 in the run, 52 now")
    refused(run, *OPTIONS, text="holds a bootstrap.h5 already")
    assert contents(run) and boot(run, *OPTIONS, "--overwrite").returncode == 0
    assert not differences(whole / "bootstrap.h5", run / "bootstrap.h5")


def check_damaged(run):
    """One bit of what is kept; it is not made again unasked."""
    before = (run / "bootstrap.h5").read_bytes()
    for name, what in (("kept_val_r", "kept bins"), ("kept_checksum", "kept bins"), ("test_r_upper", "the summaries"),
                       ("kept_time", "labels")):
        with h5py.File(run / "bootstrap.h5", "r+") as f:
            data = f["film"][name][()]
            data.view(np.uint8).flat[-1] ^= 1
            f["film"][name][...] = data
        changed = (run / "bootstrap.h5").read_bytes()
        done = chiasm("verify", run)
        assert done.returncode == 1 and what in done.stdout and "fit" in done.stdout, (name, done)
        refused(run, "--resume", text=(what, "fit their checksum", "--overwrite"))
        assert (run / "bootstrap.h5").read_bytes() == changed != before
        (run / "bootstrap.h5").write_bytes(before)


def main():
    with tempfile.TemporaryDirectory() as top:
        whole = check_ways(Path(top))
        print("passed: ranks and threads", flush=True)
        check_dropped(Path(top), whole)
        print("passed: without replicates")


if __name__ == "__main__":
    sys.exit(main())
