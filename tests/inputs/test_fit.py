"""Every bad input through `chiasm fit` on two ranks, one by one: the exit code, one clear line that names
file, object and place, nothing written, and no rank left hanging.

    test_inputs.py [NAME]...      only these cases
"""
import os
import shutil
import sys
import tempfile
import time as clock
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

from inputs.job import done_flags, fit, ok, refused
from program import chiasm, said
from study_maker import make_study

R = "responses/s1.language.h5"
F = "features/s1.language/netA.h5"
REFUSED = []  # (name, edit, texts, options, keywords of make_study)
TESTS = []


def case(texts, *options, **study):
    """What the decorated function does to a good study must be refused with these texts."""
    def add(edit):
        REFUSED.append((edit.__name__, edit, texts, options, study))
        return edit
    return add


def test(function):
    TESTS.append(function)
    return function


def replace(path, name, change):
    """Put another dataset in a name's place; its attributes stay."""
    with h5py.File(path, "r+") as f:
        attrs = dict(f[name].attrs)
        old = f[name][()]
        del f[name]
        f[name] = change(old)
        f[name].attrs.update(attrs)


def put(index, value):
    def change(data):
        data[index] = value
        return data
    return change


# ---- files and folders

@case("study: there is no such folder")
def study_missing(s): shutil.rmtree(s)

@case("study: is no folder")
def study_is_a_file(s): shutil.rmtree(s); s.write_text("events")

@case("responses: there is no such file or folder")
def responses_missing(s): shutil.rmtree(s / "responses")

@case("features: there is no such file or folder")
def features_missing(s): shutil.rmtree(s / "features")

@case("features/s1.language: there is no such file or folder")
def features_of_subject_missing(s): shutil.rmtree(s / "features/s1.language")

@case(("s2", "netA", "--allow-missing"), subjects=("s1", "s2"),
      models={"netA": {"a": 4}, "netB": {"b": 4}})
def model_missing_for_a_subject(s): os.remove(s / "features/s2.language/netA.h5")

@case(("s1", "/layers/b", "--allow-missing"), subjects=("s1", "s2"), models={"netA": {"a": 5, "b": 4}})
def layer_missing_for_a_subject(s):
    with h5py.File(s / F, "r+") as f: del f["layers/b"]

@case("responses: is empty")
def responses_empty(s): os.remove(s / R)

@case(f"{F}: is not an HDF5 file")
def text_for_hdf5(s): (s / F).write_text("0.1,0.2\n" * 100)

@case(f"{R}: is empty")
def empty_file(s): (s / R).write_bytes(b"")

@case(f"{F}: is not a regular file")
def fifo(s): os.remove(s / F); os.mkfifo(s / F)

@case(f"{R}: is not a regular file")
def folder_for_file(s): os.remove(s / R); os.mkdir(s / R)

@case(f"{R}: there is no such file")
def dangling_link(s): os.remove(s / R); os.symlink("nowhere", s / R)

@case("features: is a link that leads out of the study's folder")
def folder_link_out(s): shutil.move(s / "features", s.parent / "out"); os.symlink(s.parent / "out", s / "features")


def cut(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[:int(len(whole) * share)])


@case(f"{R}: ")
def responses_cut_in_the_header(s): (s / R).write_bytes((s / R).read_bytes()[:50])

@case(f"{R}: ")
def responses_cut_in_the_middle(s): cut(s / R, 0.5)

@case(f"{R}: ")
def responses_cut_by_one_byte(s): (s / R).write_bytes((s / R).read_bytes()[:-1])

@case(f"{F}: ")
def features_cut_early(s): cut(s / F, 0.2)

@case(f"{F}: ")
def features_cut_late(s): cut(s / F, 0.9)

# ---- datasets

@case(f"{R}: /response has 2 dimensions, expected 3 (event, electrode, time)")
def response_rank(s): replace(s / R, "response", lambda y: y[:, :, 0])

@case(f"{R}: /response is string, expected float16, float32, float64, integers or truth values")
def response_type(s): replace(s / R, "response", lambda y: y.astype("S8"))

@case(f"{F}: /layers/layer1 is string")
def layer_of_strings(s): replace(s / F, "layers/layer1", lambda x: np.full(x.shape, b"a"))

@case(f"{R}: /time is string")
def time_type(s): replace(s / R, "time", lambda t: t.astype("S8"))

@case(f"{R}: /electrode is int64, expected strings")
def electrode_type(s): replace(s / R, "electrode", lambda e: np.arange(len(e)))

@case(f"{R}: /onset has 2 dimensions, expected 1")
def onset_rank(s): replace(s / R, "onset", lambda t: t[:, None])

@case(f"{R}: /onset has 59 elements, but /response has 60 events")
def fewer_onsets(s): replace(s / R, "onset", lambda t: t[:-1])

@case(f"{R}: /response is missing")
def response_missing(s):
    with h5py.File(s / R, "r+") as f: del f["response"]

@case(f"{R}: /onset is string, expected float64")
def onset_type(s): replace(s / R, "onset", lambda t: ["x"] * len(t))

@case(f"{F}: /layers/layer1 has 1 dimensions, expected 2 (event, feature)")
def layer_rank(s): replace(s / F, "layers/layer1", lambda x: x[:, 0])

@case(f"{F}: /layers/layer1 is compound, expected float16, float32, float64, integers or truth values")
def layer_type(s): replace(s / F, "layers/layer1", lambda x: x.astype("c8"))

@case(f"{F}: /layers/layer1 has 59 events, but the responses have 60")
def event_counts_differ(s): replace(s / F, "layers/layer1", lambda x: x[:59])

@case(f"{R}: /onset[7] is NaN")
def onset_nan(s): replace(s / R, "onset", put(7, np.nan))

@case(f"{R}: /onset[0] is infinite")
def onset_infinite(s): replace(s / R, "onset", put(0, np.inf))

@case(f"{R}: /time[1] is NaN")
def time_nan(s): replace(s / R, "time", put(1, np.nan))

@case(f"{R}: /time[3] is infinite")
def time_infinite(s): replace(s / R, "time", put(3, np.inf))

@case(("responses/s2.language.h5: /time[0] is", "responses/s1.language.h5"), subjects=("s1", "s2"))
def time_axes_differ(s): replace(s / "responses/s2.language.h5", "time", lambda t: t + 1e-4)

@case(f"{R}: attribute chiasm_format of / is 2, this chiasm reads format 1")
def format_2(s):
    with h5py.File(s / R, "r+") as f: f.attrs["chiasm_format"] = 2

@case(f"{F}: /layers/layer1 is an external link")
def external_link(s):
    shutil.copy(s / F, s / "copy.h5")
    with h5py.File(s / F, "r+") as f:
        del f["layers/layer1"]
        f["layers/layer1"] = h5py.ExternalLink("../../copy.h5", "/layers/layer1")

@case(f"{R}: /response is a virtual dataset")
def virtual_dataset(s):
    with h5py.File(s / R, "r+") as f:
        f.move("response", "real")
        layout = h5py.VirtualLayout((60, 3, 4), "f4")
        layout[:] = h5py.VirtualSource(f["real"])
        f.create_virtual_dataset("response", layout)

@case(f"{R}: /response keeps its numbers in external files")
def external_storage(s):
    with h5py.File(s / R, "r+") as f:
        y = f["response"][()]
        del f["response"]
        f.create_dataset("response", y.shape, "f4", external=[(str(s / "raw"), 0, y.nbytes)])[:] = y


@test
def missing_models_allowed(folder):
    s = folder / "study"
    make_study(s, subjects=("s1", "s2"), models={"netA": {"a": 5}, "netB": {"a": 5}})
    os.remove(s / "features/s2.language/netA.h5")
    ok(s, folder / "run", "--allow-missing")
    with h5py.File(folder / "run/fit.h5") as f:
        assert f["language/n_features"][()].tolist() == [[5, 0], [5, 5]]
        fitted = np.array([[1, 1, 1, 0, 0, 0], [1] * 6], bool)
        assert (np.isfinite(f["language/test_r"][()]).all(axis=2) == fitted).all()
    assert chiasm("status", folder / "run").returncode == 0


# ---- hostile names

@case(f'{R}: /electrode[2] "../../etc/passwd" reads like a path')
def electrode_like_a_path(s): replace(s / R, "electrode", lambda e: ["a", "b", "../../etc/passwd"])

@case(f"{R}: /electrode[0]")
def electrode_with_control_characters(s):
    replace(s / R, "electrode", lambda e: ["a\x1b[2J\nchiasm: error: no", "b", "c"])

@case(f"{F}: the layer")
def layer_with_a_newline(s):
    with h5py.File(s / F, "r+") as f: f.move("layers/layer1", "layers/%s%n\nb")

@case("responses/%n%s%n%s.language.h5: ")
def subject_of_formats(s): shutil.copy(s / R, s / "responses/%n%s%n%s.language.h5")

@case("features/s1.language/")
def model_with_a_newline(s): shutil.copy(s / F, s / "features/s1.language/a\nb.h5")

# ---- selections and options

@case("--alignments vision fits none of what the study has: language", "--alignments", "vision")
def unknown_alignment(s): pass

@case("--subjects s9 fits none of what the study has: s1, s2", "--subjects", "s1,s9",
      subjects=("s1", "s2"))
def unknown_subject(s): pass

@case("--models slip* fits none of what the study has: netA", "--models", "slip*")
def unknown_model(s): pass

@case("--layers conv* fits none of what the study has: layer1", "--layers", "conv*")
def unknown_layer(s): pass

@case("no recording fits both --subjects s2 and --alignments language", "--subjects", "s2",
      "--alignments", "language", subjects=("s1", "s2"), alignments=("language", "vision"))
def empty_selection(s): os.remove(s / "responses/s2.language.h5")

@case(f"{R}: 19 events are too few for 5 folds: at least 20 are needed", n=19)
def few_events_for_the_default(s): pass

@case(f"{R}: 60 events are too few for 20 folds: at least 80 are needed", "--folds", "20")
def few_events(s): pass

@case(R, "--gap", "1000")
def gap_leaves_nothing(s): pass

@case(("--folts", "--folds"), "--folts", "3")
def unknown_option(s): pass

@case("--folds", "--folds", "1")
def folds_too_few(s): pass

@case("--folds", "--folds", "five")
def folds_no_number(s): pass

@case("--alphas", "--alphas", "1,-1")
def alpha_negative(s): pass

@case("--alphas", "--alphas", "nan")
def alpha_nan(s): pass

@case("--alphas: 10 is given twice", "--alphas", "10,1,1e1")
def alpha_twice(s): pass

@case("--gap", "--gap", "inf")
def gap_infinite(s): pass

@case("--precision", "--precision", "single")
def precision_unknown(s): pass

@case("--threads", "--threads", "99999999999999999999")
def threads_overflow(s): pass

@case("--memory-per-rank", "--memory-per-rank", "4Q")
def memory_unit(s): pass

@case("--resume and --overwrite exclude each other", "--resume", "--overwrite")
def resume_and_overwrite(s): pass

@case("memory", "--memory-per-rank", "10k")
def too_little_memory(s): pass

@case("/nonexistent/options.yaml: there is no such file", "-c", "/nonexistent/options.yaml")
def config_missing(s): pass

@case(("study.yaml", "fold", "folds"), yaml="options: {fold: 3}\n")
def unknown_key(s): pass

@case("study.yaml: line 2: ", yaml="title: [1, 2\n")
def broken_yaml(s): pass


def run_case(folder, name, edit, texts, options, study):
    s = folder / "study"
    make_study(s, **study)
    edit(s)
    refused(s, folder / "run", *options, text=texts)
    assert not (folder / "run").exists(), "RUN was made"


# ---- numbers that are missing

@test
def nan_in_features(folder):
    """The unit fails alone, and its study, once mended, is another."""
    def edit(subject, alignment, model, layer, x):
        if (subject, layer) == ("s2", "b"):
            x[5, 3] = np.nan
            x[6, 1] = np.inf
        return x
    s, run = folder / "study", folder / "run"
    models = {"netA": {"a": 6, "b": 6, "c": 7}}
    make_study(s, subjects=("s1", "s2"), models=models, edit_x=edit)
    done = fit(s, run)
    assert done.returncode == 1, (done.returncode, done.stderr)
    printed = done.stdout + done.stderr
    named = [line for line in printed.splitlines() if "netA/b" in line and "s2" in line]
    assert named and any("row 5, column 3" in line for line in named), printed
    assert "row 5, column 3" in (run / "log.txt").read_text()
    with h5py.File(run / "fit.h5") as f:
        flags = np.ones((3, 6), int)
        flags[1, 3:] = 2
        assert (f["language/done"][()] == flags).all(), f["language/done"][()]
        for name in ("val_r", "test_r", "alpha"):
            assert (np.isfinite(f["language"][name][()]).all(axis=2) == (flags == 1)).all(), name
    assert chiasm("status", run).returncode == 1
    again = fit(s, run, "--resume")  # the same study: tried again, fails again
    assert again.returncode == 1 and "row 5, column 3" in again.stdout + again.stderr, again.stderr
    shutil.rmtree(s)
    make_study(s, subjects=("s1", "s2"), models=models)
    refused(s, run, "--resume", text="the study has changed since this run was made")
    ok(s, run, "--overwrite")
    assert set(done_flags(run)) == {1}


@test
def nan_in_responses(folder):
    """A warning, no scores there, and nothing else is harmed."""
    s, run = folder / "study", folder / "run"
    def edit(subject, alignment, y):
        y[4:6, 1, 2] = np.nan, np.inf
        return y
    make_study(s, edit_y=edit)
    printed = ok(s, run)
    warnings = [line for line in printed.splitlines() if line.startswith("chiasm: warning: ")]
    assert any(R in line and "E001" in line for line in warnings), printed
    with h5py.File(run / "fit.h5") as f:
        lost = np.zeros((1, 3, 4), bool)
        lost[0, 1, 2] = True
        for name in ("val_r", "test_r"):
            assert (np.isnan(f["language"][name][()]) == lost).all(), name
        assert (f["language/done"][()] == 1).all()
    assert chiasm("status", run).returncode == 0


@test
def damaged_chunk(folder):
    """Found only when the numbers are read: the layer's unit fails alone."""
    s, run = folder / "study", folder / "run"
    make_study(s, models={"netA": {"a": 8, "b": 8}},
               feature_storage=dict(chunks=(30, 8), compression="gzip"))
    with h5py.File(s / F) as f:
        info = f["layers/b"].id.get_chunk_info(0)
    with open(s / F, "r+b") as f:
        f.seek(info.byte_offset + 20)
        f.write(b"\xff" * (info.size - 40))
    done = fit(s, run)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert F in (run / "log.txt").read_text() and "netA/b" in done.stdout + done.stderr, done.stderr
    with h5py.File(run / "fit.h5") as f:
        assert f["language/done"][()].tolist() == [[1, 1, 1], [2, 2, 2]]


# ---- the run's folder

@test
def run_that_exists(folder):
    s, run = folder / "study", folder / "run"
    make_study(s)
    ok(s, run)
    refused(s, run, text=("run: holds a run already", "--resume", "--overwrite"))
    for options in (("--folds", "4"), ("--alphas", "1,10"), ("--gap", "2"), ("--precision", "double"),
                    ("--layers", "layer?")):
        refused(s, run, "--resume", *options, text=("differ", options[0].strip("-")))
    ok(s, run, "--resume", "--threads", "2", "--electrode-block", "1")  # results do not depend on these


@test
def run_elsewhere(folder):
    s = folder / "study"
    make_study(s)
    refused(s, folder / "missing/run", text="missing")
    assert not (folder / "missing").exists()
    (folder / "thesis").mkdir()
    (folder / "thesis/thesis.tex").write_text("do not lose")
    for mode in ((), ("--overwrite",), ("--resume",)):
        refused(s, folder / "thesis", *mode, text="thesis: ")
    (folder / "file").write_text("")
    refused(s, folder / "file", text="file: is a file, expected a folder for the run")
    (folder / "empty").mkdir()
    said(chiasm("fit", s, ranks=2), 2, "-o RUN")
    said(chiasm("fit", "-o", folder / "run", ranks=2), 2, "STUDY")
    said(chiasm("fit", s, folder / "other", "-o", folder / "run", ranks=2), 2, "other")
    assert not (folder / "run").exists()


@test
def study_changes(folder):
    """Between a run and its --resume: in its numbers, its labels, or by another file."""
    s, run = folder / "study", folder / "run"
    def again(**change):
        shutil.rmtree(s, ignore_errors=True)
        make_study(s, **change)
    again()
    ok(s, run)
    changed = "the study has changed since this run was made"
    replace(s / R, "response", lambda y: put((59, 2, 3), y[59, 2, 3] + 1e-3)(y))
    refused(s, run, "--resume", text=("run: ", changed))
    again()
    replace(s / F, "layers/layer1", put((0, 0), 0))
    refused(s, run, "--resume", text=("run: ", changed))
    for change in (dict(subjects=("s1", "s2")), dict(electrodes=4), dict(n=61),
                   dict(models={"netA": {"layer1": 10}, "netB": {"b": 3}}),
                   dict(alignments=("language", "vision"))):
        again(**change)
        refused(s, run, "--resume", text=("run: ", changed))
    again()
    ok(s, run, "--resume")


@test
def odd_paths(folder):
    """A study and a run whose own names are hostile but legal."""
    name = "a b%n%s'\"$(x)ü"
    make_study(folder / name)
    ok(folder / name, folder / ("run " + name))
    assert set(done_flags(folder / ("run " + name))) == {1}
    refused(folder / "no\nchiasm: error: such", folder / "run", text="there is no such folder")


def attempt(name, run_test):
    """(name, seconds, what went wrong or None)"""
    begin, wrong = clock.monotonic(), None
    with tempfile.TemporaryDirectory() as folder:
        try:
            run_test(Path(folder))
        except Exception as error:  # all of them in one go
            wrong = f"{type(error).__name__} {error}"
    return name, clock.monotonic() - begin, wrong


def main():
    tests = [(t.__name__, t) for t in TESTS]  # the long ones first
    tests += [(c[0], lambda folder, c=c: run_case(folder, *c)) for c in REFUSED]
    tests = [t for t in tests if len(sys.argv) == 1 or t[0] in sys.argv[1:]]
    failed = 0
    # mpirun sleeps for a second after every failed job: several at a time
    with ThreadPoolExecutor(6) as pool:
        for name, seconds, wrong in pool.map(lambda t: attempt(*t), tests):
            failed += wrong is not None
            print(f"{'FAILED' if wrong else 'passed'} {name} ({seconds:.1f} s) {wrong or ''}",
                  flush=True)
    print(f"{len(tests) - failed} of {len(tests)} passed")
    return failed > 0 or not tests


if __name__ == "__main__":
    sys.exit(main())
