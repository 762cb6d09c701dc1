"""A planted study, seen from outside: labelled arrays, the same bytes for the same seed, and effects
of the right kind and size by scikit-learn's ridge."""
import csv
import filecmp
import os
import resource
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np
import xarray
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

SIZES = ["--subjects", "2", "--electrodes", "40", "--alignments", "language", "--bins", "11",
         "--layers", "3", "--features", "64"]

# The kinds of sites that a model has something for.
HELD = {"vision-net": "vision both", "language-net": "language both",
        "concat": "vision language both", "multimodal-net": "vision language both integration"}


def simulate(folder, *options):
    return subprocess.run([os.environ["CHIASM"], "simulate", folder, *options], check=True,
                          capture_output=True, text=True)


def correlate(a, b):
    a, b = a - a.mean(0), b - b.mean(0)
    return (a * b).sum(0) / np.sqrt((a * a).sum(0) * (b * b).sum(0))


def test_r(features, responses):
    """Mean test r of every target, at the penalty that default studies mostly choose."""
    r = []
    for train, held_out in KFold(5).split(features):
        scaler = StandardScaler().fit(features[train])
        test = held_out[len(held_out) // 2:]
        model = Ridge(alpha=1e3).fit(scaler.transform(features[train]), responses[train])
        r.append(correlate(model.predict(scaler.transform(features[test])), responses[test]))
    return np.mean(r, axis=0)


class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.room = tempfile.TemporaryDirectory()
        cls.study = os.path.join(cls.room.name, "study")
        simulate(cls.study, *SIZES)
        with open(os.path.join(cls.study, "truth.csv")) as file:
            cls.truth = list(csv.DictReader(file))
        cls.fit_all()

    @classmethod
    def tearDownClass(cls):
        cls.room.cleanup()

    @classmethod
    def fit_all(cls):
        """scores[model, layer]: one mean test r per site, over the bins about the response's peak."""
        cls.scores, cls.kind = {}, np.array([row["kind"] for row in cls.truth])
        for subject in ("sim1", "sim2"):
            data = xarray.open_dataset(f"{cls.study}/responses/{subject}.language.h5",
                                       engine="h5netcdf")
            core = data.response.sel(time=slice(-0.2, 1.0))
            responses = core.values.reshape(len(core), -1).astype(float)
            folder = f"{cls.study}/features/{subject}.language"
            for name in sorted(os.listdir(folder)):
                with h5py.File(os.path.join(folder, name)) as file:
                    for layer, values in file["layers"].items():
                        r = test_r(values[:].astype(float), responses)
                        r = r.reshape(core.sizes["electrode"], -1).mean(axis=1)
                        cls.scores.setdefault((name[:-3], layer), []).append(r)
            data.close()
        cls.scores = {key: np.concatenate(r) for key, r in cls.scores.items()}

    def at(self, model, kind, layer="layer-02"):
        return self.scores[model, layer][self.kind == kind]

    def test_truth(self):
        self.assertEqual(list(self.truth[0]), ["subject", "alignment", "electrode", "kind"])
        self.assertEqual({row["kind"] for row in self.truth},
                         {"none", "vision", "language", "both", "integration"})
        with h5py.File(f"{self.study}/responses/sim2.language.h5") as file:
            names = [name.decode() for name in file["electrode"][:]]
        self.assertEqual(names, [r["electrode"] for r in self.truth if r["subject"] == "sim2"])

    def test_labelled_arrays(self):
        with xarray.open_dataset(f"{self.study}/responses/sim1.language.h5",
                                 engine="h5netcdf") as data:
            self.assertEqual(data.response.dims, ("event", "electrode", "time"))
            self.assertEqual(data.response.shape, (800, 40, 11))
            self.assertEqual(data.response.attrs["units"], "uV")
            self.assertEqual(set(data.coords), {"electrode", "time"})
            self.assertEqual(data.electrode.values[8], "RA1")
            self.assertEqual(data.time.attrs["units"], "s")
            self.assertEqual(data.time.attrs["bin_width_s"], 0.2)
            self.assertEqual(data.region.dims, ("electrode",))
            self.assertEqual(data.x.attrs["space"], "MNI152")
            self.assertEqual(data.attrs["chiasm_format"], 1)
            self.assertNotIn("exchangeable", data.attrs)
            for session in (0, 1):
                onset = data.onset.values[data.session.values == session]
                self.assertEqual(len(onset), 400)
                self.assertTrue((np.diff(onset) > 0).all())
        path = f"{self.study}/features/sim1.language/concat.h5"
        with xarray.open_dataset(path, engine="h5netcdf", group="layers") as data:
            self.assertEqual(list(data), ["layer-01", "layer-02", "layer-03"])
            self.assertEqual(data["layer-02"].dims, ("event", "feature_128"))
            self.assertEqual(data["layer-02"].attrs["depth"], 1)

    def test_concatenation_is_one(self):
        parts = []
        for model in ("vision-net", "language-net", "concat"):
            with h5py.File(f"{self.study}/features/sim1.language/{model}.h5") as file:
                parts.append(file["layers/layer-03"][:])
        np.testing.assert_array_equal(np.hstack(parts[:2]), parts[2])

    def test_effects_by_kind(self):
        for model, kinds in HELD.items():
            for kind in ("none", "vision", "language", "both", "integration"):
                r = self.at(model, kind)
                with self.subTest(model=model, kind=kind, r=r.mean()):
                    if kind in kinds.split():
                        self.assertTrue(0.08 < r.mean() < 0.35 and r.max() < 0.45)
                    else:
                        self.assertLess(abs(r.mean()), 0.05)

    def test_middle_layer_is_best(self):
        for model, kinds in HELD.items():
            held = np.isin(self.kind, kinds.split())
            first, middle, last = (self.scores[model, f"layer-0{i}"][held].mean() for i in (1, 2, 3))
            with self.subTest(model=model, r=(first, middle, last)):
                self.assertGreater(middle, first + 0.01)
                self.assertGreater(middle, last + 0.01)

    def test_random_twins(self):
        r = [score[self.kind != "none"].mean()
             for (model, _), score in self.scores.items() if model.endswith("-random")]
        self.assertEqual(len(r), 18)
        self.assertTrue(-0.01 < np.mean(r) < 0.03, np.mean(r))

    def test_integration_alone_favours_the_multimodal(self):
        for kind, low, high in (("both", -0.04, 0.04), ("integration", 0.1, 0.4)):
            gain = (self.at("multimodal-net", kind) - self.at("concat", kind)).mean()
            with self.subTest(kind=kind, gain=gain):
                self.assertTrue(low < gain < high)
        gain = self.at("control-with-language", "both") - self.at("control-without-language", "both")
        self.assertGreater(gain.mean(), 0.01)
        self.assertLess(self.at("control-with-language", "both").mean(),
                        self.at("multimodal-net", "both").mean())

    def test_noise(self):
        with h5py.File(f"{self.study}/responses/sim1.language.h5") as file:
            y, session = file["response"][:], file["session"][:]
        y = y[:, [r["kind"] == "none" for r in self.truth if r["subject"] == "sim1"]]
        y = y - y.mean(axis=0)
        over_events = (y[1:] * y[:-1])[session[1:] == session[:-1]].mean(axis=(0, 2)) / (y ** 2).mean(
            axis=(0, 2))
        over_bins = (y[:, :, 1:] * y[:, :, :-1]).mean() / (y ** 2).mean()
        self.assertTrue((over_events > 0.5).all() and (over_events < 0.93).all(), over_events)
        self.assertAlmostEqual(over_bins, np.exp(-0.4 / 0.5), delta=0.05)

    def test_independent_events(self):
        study = os.path.join(self.room.name, "independent")
        simulate(study, *SIZES, "--autocorrelation", "0", "--noise-autocorrelation", "0")
        with h5py.File(f"{study}/responses/sim1.language.h5") as file:
            y = file["response"][:]
            self.assertEqual(file.attrs["exchangeable"], 1)
        y = y - y.mean(axis=0)
        self.assertLess(abs((y[1:] * y[:-1]).mean() / (y ** 2).mean()), 0.02)

    def test_full_disk(self):
        """A limit on the size of files stands in for the full disk; HDF5 must not crash at the end."""
        study = os.path.join(self.room.name, "full")
        done = subprocess.run(
            [os.environ["CHIASM"], "simulate", study, *SIZES], capture_output=True, text=True,
            restore_signals=False,  # Python ignores SIGXFSZ, and so does its child
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400000, 400000)))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("sim1.language.h5: cannot be written", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertEqual(os.listdir(os.path.join(study, "responses")), [])
        simulate(study, *SIZES, "--overwrite")

    def test_same_seed_same_bytes(self):
        again, other = (os.path.join(self.room.name, name) for name in ("again", "other"))
        simulate(again, *SIZES)
        simulate(other, *SIZES, "--seed", "2")
        for folder, _, names in os.walk(self.study):
            for name in names:
                path = os.path.join(folder, name)
                twin = path.replace(self.study, again)
                self.assertTrue(filecmp.cmp(path, twin, shallow=False), path)
                if name.endswith(".h5"):
                    self.assertFalse(filecmp.cmp(path, path.replace(self.study, other), shallow=False))


if __name__ == "__main__":
    sys.exit(unittest.main())
