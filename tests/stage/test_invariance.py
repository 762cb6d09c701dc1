"""fit.h5 is the same bytes for any number of ranks and threads, any --electrode-block;
and xarray opens it with its labels."""
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import xarray

from compare_runs import differences
from inputs.job import ok
from study_maker import make_study

# Blocks of 3, 3 and 1 electrodes; layers with fewer and with more features than events.
ELECTRODES, BINS = 7, 400


def far_out(subject, alignment, y):
    """Three electrodes that go through float64."""
    if subject == "s2":
        y[40, [2, 3, 6]] = 1e9
    return y


STUDY = dict(subjects=("s1", "s2"), alignments=("language", "vision"), n=90, electrodes=ELECTRODES,
             bins=BINS, models={"netA": {"wide": 120, "narrow": 9, "one": 1}}, random_twins=True,
             region=[f"region{i % 3}" for i in range(ELECTRODES)],
             edit_y=far_out, xyz=np.arange(3 * ELECTRODES).reshape(ELECTRODES, 3), yaml="options: {folds: 4}\n")

WAYS = [dict(ranks=1), dict(ranks=2, options=("--electrode-block", 1)), dict(ranks=3),
        dict(ranks=4, options=("--electrode-block", 5)), dict(ranks=4),
        dict(ranks=1, options=("--threads", 2)),
        dict(ranks=2, options=("--electrode-block", 2, "--threads", 2)),
        dict(ranks=1, options=("--threads", 3, "--electrode-block", 1))]


def check_ways(study, folder, *precision):
    wrong = []
    ok(study, folder / "first", *precision, ranks=2)
    for i, way in enumerate(WAYS):
        run, options = folder / f"way{i}", way.get("options", ())
        ok(study, run, *options, *precision, ranks=way["ranks"])
        found = differences(folder / "first/fit.h5", run / "fit.h5")
        wrong += [f"{way} {precision}: {text}" for text in found]
    return wrong


def check_labels(run):
    """As a user would read it."""
    for alignment in ("language", "vision"):
        with xarray.open_dataset(run / "fit.h5", engine="h5netcdf", group=alignment) as data:
            assert data.test_r.dims == data.val_r.dims == ("feature_space", "site", "time")
            assert data.test_r.dtype == np.float32
            assert data.done.dims == ("feature_space", "site") and (data.done == 1).all()
            assert data.n_features.dims == ("feature_space", "subject_index")
            spaces = [f"{m}/{name}" for m in ("netA", "netA-random") for name in ("wide", "narrow", "one")]
            assert data.feature_space.values.tolist() == spaces, data.feature_space.values
            assert data.site.values[-1] == f"s2/E{ELECTRODES - 1:03d}"
            assert data.time.dtype == np.float64 and abs(data.time.values[1] + 0.075) < 1e-12
            one = data.test_r.sel(feature_space="netA/narrow", site="s2/E001")
            with h5py.File(run / "fit.h5") as f:
                assert (one.values == f[alignment]["test_r"][1, ELECTRODES + 1]).all()
            for name in ("subject", "electrode", "region", "x", "y", "z"):
                assert data[name].dims == ("site",), name
            assert data.region.values[4] == "region1" and data.x.values[2] == 6
            assert (data.training.values == ["trained"] * 3 + ["random"] * 3).all()


def main():
    with tempfile.TemporaryDirectory() as top:
        top = Path(top)
        study = make_study(top / "study", **STUDY)
        wrong = []
        for precision in ("mixed", "double"):
            (top / precision).mkdir()
            wrong += check_ways(study, top / precision, "--precision", precision)
        check_labels(top / "mixed/first")
    print("\n".join(wrong) if wrong else f"{2 * len(WAYS)} times the same bytes")
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main())
