"""The same bytes for every number of ranks and threads and for every --electrode-block; and labelled arrays of them."""
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
import xarray

from jobs import check_same, fit
from study_maker import make_study

HERE = tempfile.TemporaryDirectory()
FOLDER = Path(HERE.name)
# The product's blocks of electrodes are several here; layers on both sides of n_train = 64 features.
STUDY = make_study(FOLDER / "study", subjects=("s1", "s2"), alignments=("language", "vision"), n=80,
                   electrodes=11, bins=161, models={"netA": {"conv1": 12, "conv2": 90}, "netB": {"end": 64}},
                   random_twins=True, region=[f"region{i}" for i in range(11)], xyz=np.arange(33).reshape(11, 3))
REFERENCE = FOLDER / "reference"


class Invariance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fit(STUDY, REFERENCE, "--threads", 1, ranks=1)

    def check(self, name, *options, ranks):
        fit(STUDY, FOLDER / name, *options, ranks=ranks)
        check_same(FOLDER / name, REFERENCE)

    def test_ranks(self):
        for ranks in (2, 3, 4):
            self.check(f"ranks{ranks}", "--threads", 1, ranks=ranks)

    def test_threads(self):
        for threads in (2, 3):
            self.check(f"threads{threads}", "--threads", threads, ranks=1)

    def test_electrode_block(self):
        for ranks, block in ((1, 1), (2, 2), (3, 5)):
            self.check(f"block{block}", "--electrode-block", block, ranks=ranks)

    def test_double(self):
        fit(STUDY, FOLDER / "double1", "--precision", "double", ranks=1)
        fit(STUDY, FOLDER / "double3", "--precision", "double", "--electrode-block", 1, ranks=3)
        check_same(FOLDER / "double3", FOLDER / "double1")

    def test_xarray(self):
        with h5py.File(REFERENCE / "fit.h5") as f:
            groups = list(f)
        self.assertEqual(groups, ["language", "vision"])
        for group in groups:
            with xarray.open_dataset(REFERENCE / "fit.h5", engine="h5netcdf", group=group) as d:
                for name in ("val_r", "test_r", "alpha"):
                    self.assertEqual(d[name].dims, ("feature_space", "site", "time"))
                self.assertEqual(d["done"].dims, ("feature_space", "site"))
                self.assertEqual(d["n_features"].dims, ("feature_space", "subject_index"))
                one = d.sel(feature_space="netA/conv2", site="s2/E010")
                self.assertEqual(one["test_r"].shape, (161,))
                self.assertTrue(np.isfinite(one["test_r"]).all())
                self.assertEqual(one["region"].item(), "region10")
                self.assertEqual(float(one["z"]), 32)
                self.assertEqual(one["time"].dtype, np.float64)


if __name__ == "__main__":
    unittest.main()
