"""chiasm fit on 2 ranks with studies, options and folders that are wrong in one way each: the exit code, and ONE
line that names file, object and place."""
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

from jobs import complaint, fit
from study_maker import make_study

R = "responses/s1.language.h5"
F = "features/s1.language/netA.h5"
CASES = []


def case(code, *texts, options=(), **study):
    """A test: what the function does to a good study must end like this."""
    def add(edit):
        CASES.append((edit.__name__, edit, code, texts, options, study))
        return edit
    return add


def replace(path, name, change):
    with h5py.File(path, "r+") as f:
        attributes, old = dict(f[name].attrs), f[name][()]
        del f[name]
        f[name] = change(old)
        f[name].attrs.update(attributes)


def put(path, name, index, value):
    with h5py.File(path, "r+") as f:
        f[name][index] = value


def truncate(path, share):
    size = path.stat().st_size
    os.truncate(path, size - 1 if share == 1 else int(size * share))


# ---- files and folders

@case(2, "study", "there is no such folder")
def no_study(s, _): shutil.rmtree(s)

@case(2, "responses", "no such file or folder")
def no_responses(s, _): shutil.rmtree(s / "responses")

@case(2, "features/s1.language", "no such file or folder")
def no_features(s, _): shutil.rmtree(s / "features/s1.language")

@case(2, "features/s2.language/netA.h5", "missing", subjects=("s1", "s2"), models={"netA": {"a": 5}, "netB": {"a": 5}})
def missing_model(s, _): os.remove(s / "features/s2.language/netA.h5")

@case(0, options=["--allow-missing"], subjects=("s1", "s2"), models={"netA": {"a": 5}, "netB": {"a": 5}})
def allowed_missing_model(s, _): os.remove(s / "features/s2.language/netA.h5")

@case(2, F, "/layers/b", "missing", subjects=("s1", "s2"), models={"netA": {"a": 5, "b": 4}})
def missing_layer(s, _):
    with h5py.File(s / F, "r+") as f: del f["layers/b"]

@case(2, R, "not an HDF5 file")
def text_for_responses(s, _): (s / R).write_text("event, electrode\n" * 50)

for share in (0, 0.1, 0.5, 0.9, 1):
    for name, path in (("responses", R), ("features", F)):
        def cut(s, _, path=path, share=share): truncate(s / path, share)
        cut.__name__ = f"truncated_{name}_{share}"
        case(2, path)(cut)

# ---- types and shapes

@case(2, R, "/response", "2 dimensions", "expected 3")
def response_rank(s, _): replace(s / R, "response", lambda y: y[:, :, 0])

@case(2, R, "/response", "int32", "float32")
def response_type(s, _): replace(s / R, "response", lambda y: y.astype(np.int32))

@case(2, R, "/response", "missing")
def response_missing(s, _):
    with h5py.File(s / R, "r+") as f: del f["response"]

@case(2, F, "/layers/layer1", "3 dimensions", "expected 2")
def layer_rank(s, _): replace(s / F, "layers/layer1", lambda x: x[:, :, None])

@case(2, F, "/layers/layer1", "string")
def layer_type(s, _): replace(s / F, "layers/layer1", lambda x: np.full(x.shape, b"a"))

@case(2, R, "/onset")
def onset_rank(s, _): replace(s / R, "onset", lambda x: x[:, None])

@case(2, R, "/time")
def time_type(s, _): replace(s / R, "time", lambda x: x.astype("S8"))

@case(2, R, "/electrode")
def electrode_type(s, _): replace(s / R, "electrode", lambda x: np.arange(len(x)))

@case(2, R, "chiasm_format")
def other_format(s, _):
    with h5py.File(s / R, "r+") as f: f.attrs["chiasm_format"] = 7

# ---- counts

@case(2, F, "/layers/layer1", "59", "60")
def fewer_feature_rows(s, _): replace(s / F, "layers/layer1", lambda x: x[:-1])

@case(2, R, "/onset", "59", "60")
def fewer_onsets(s, _): replace(s / R, "onset", lambda x: x[:-1])

@case(2, R, "19", "20", n=19)
def fewer_events_than_folds_need(s, _): pass

@case(2, R, "60 events", "16 folds", options=["--folds", "16"])
def more_folds_than_events_allow(s, _): pass

# ---- selections

for what in ("alignments", "subjects", "models", "layers"):
    def nothing(s, _): pass
    nothing.__name__ = f"no_such_{what}"
    case(2, f"--{what}", "nosuch", options=[f"--{what}", "nosuch"])(nothing)

@case(2, "--subjects", options=["--subjects", "s1", "--alignments", "vision"])
def empty_selection(s, _):
    (s / R).rename(s / "responses/s2.vision.h5")
    (s / "features/s1.language").rename(s / "features/s2.vision")
    make_study(s)  # s1 has language alone, s2 vision alone

# ---- numbers

for name, value, text in (("nan", np.nan, "NaN"), ("inf", np.inf, "infinite")):
    def onset(s, _, value=value): put(s / R, "onset", 7, value)
    onset.__name__ = f"{name}_in_onset"
    case(2, R, "/onset[7]", text)(onset)

    def time(s, _, value=value): put(s / R, "time", 2, value)
    time.__name__ = f"{name}_in_time"
    case(2, R, "/time[2]", text)(time)

# ---- what leads out of a file or folder

@case(2, R, "/response", "external link")
def external_link(s, _):
    shutil.copy(s / R, s / "elsewhere.h5")
    with h5py.File(s / R, "r+") as f:
        del f["response"]
        f["response"] = h5py.ExternalLink("../elsewhere.h5", "/response")

@case(2, F, "/layers/layer1", "virtual")
def virtual_dataset(s, _):
    with h5py.File(s / F, "r+") as f:
        layout = h5py.VirtualLayout(f["layers/layer1"].shape, "f4")
        layout[...] = h5py.VirtualSource("elsewhere.h5", "x", f["layers/layer1"].shape)
        del f["layers/layer1"]
        f["layers"].create_virtual_dataset("layer1", layout)

@case(2, F, "/layers/layer1", "external files")
def external_storage(s, _):
    with h5py.File(s / F, "r+") as f:
        shape = f["layers/layer1"].shape
        del f["layers/layer1"]
        f.create_dataset("layers/layer1", shape, "f4", external=[("elsewhere.raw", 0, h5py.h5f.UNLIMITED)])

@case(2, R, "leads out of the study's folder")
def symbolic_link(s, _):
    (s / R).rename(s.parent / "elsewhere.h5")
    (s / R).symlink_to(s.parent / "elsewhere.h5")

# ---- the run's folder, options

@case(2, "run", "--resume", "--overwrite")
def run_exists(s, run): assert fit(s, run).returncode == 0

@case(2, "run", "not a run")
def run_is_a_foreign_folder(s, run):
    run.mkdir()
    (run / "thesis.txt").write_text("precious")

@case(2, "run", "not a run", options=["--overwrite"])
def overwrite_of_a_foreign_folder(s, run): run_is_a_foreign_folder(s, run)

@case(2, "run", "folder")
def run_is_a_file(s, run): run.write_text("precious")

@case(2, "nowhere", options=["-o", "nowhere/run"])
def run_without_a_parent(s, run): pass

@case(2, "--fold", "--folds", options=["--fold", "x"])
def misspelt_option(s, run): pass

@case(2, "study.yaml", "foldz", "folds", yaml="options: {foldz: 4}\n")
def unknown_key(s, run): pass

@case(2, "study.yaml", "line", yaml="options: {folds: 4\n")
def broken_yaml(s, run): pass


def test_features_nan(folder):
    """The unit fails, is named with its place; the rest is done; exit code 1."""
    for value, text in ((np.nan, "NaN"), (np.inf, "infinite")):
        models = {"netA": {"bad": 6, "good": 5}}
        study = make_study(folder / text, n=40, models=models, subjects=("s1", "s2"))
        put(Path(study) / F, "layers/bad", (11, 3), value)
        end = fit(study, folder / f"run{text}")
        assert end.returncode == 1, end
        lines = [line for line in end.stderr.splitlines() if "netA/bad" in line]
        assert lines and all(t in lines[0] for t in ("11", "3", "s1")), end.stderr
        with h5py.File(folder / f"run{text}" / "fit.h5") as f:
            g = f["language"]
            assert g["done"][0].tolist() == [2, 2, 2, 1, 1, 1] and (g["done"][1] == 1).all()
            assert np.isnan(g["test_r"][0, :3]).all() and np.isfinite(g["test_r"][0, 3:]).all()
        # Mended, it is tried again -- but then it is another study.
        again = fit(study, folder / f"run{text}", "--resume")
        assert again.returncode == 1, again


def test_responses_nan(folder):
    """A warning that names the electrode; its bin alone is NaN; exit code 0."""
    study = make_study(folder / "study", n=40)
    put(Path(study) / R, "response", (5, 1, 2), np.nan)
    put(Path(study) / R, "response", (6, 2, 0), -np.inf)
    end = fit(study, folder / "run")
    assert complaint(end, 0) is None, complaint(end, 0)
    warnings = [line for line in end.stderr.splitlines() if line.startswith("chiasm: warning:")]
    assert any(R in line or "s1" in line for line in warnings), end.stderr
    with h5py.File(folder / "run/fit.h5") as f:
        missing = np.isnan(f["language/val_r"][0])
        assert np.argwhere(missing).tolist() == [[1, 2], [2, 0]], missing
        assert (f["language/done"][...] == 1).all()


def run_case(name, edit, code, texts, options, study, folder):
    path = Path(make_study(folder / "study", **study))
    run = folder / "run"
    edit(path, run)
    kept = run.read_text() if run.is_file() else None
    end = fit(path, run, *options, cwd=folder)
    wrong = complaint(end, code, *texts)
    if wrong is None and kept is not None and run.read_text() != kept:
        wrong = "a file of the user's was changed"
    return wrong


def run_test(named):
    with tempfile.TemporaryDirectory() as folder:
        try:
            return named[1](Path(folder))
        except Exception as problem:
            return repr(problem)


def main():
    wanted = sys.argv[1:]
    tests = [(c[0], lambda folder, c=c: run_case(*c, folder)) for c in CASES]
    tests += [(t.__name__, t) for t in (test_features_nan, test_responses_nan)]
    tests = [t for t in tests if not wanted or t[0] in wanted]
    # A job that fails is mostly mpirun waiting: more at a time than there are cores.
    with ThreadPoolExecutor(4) as pool:
        wrong = [(name, why) for (name, _), why in zip(tests, pool.map(run_test, tests)) if why]
    for name, why in wrong:
        print(f"FAILED {name}: {why}\n")
    print(f"{len(tests)} cases, {len(wrong)} failed")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
