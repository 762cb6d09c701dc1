"""import concat: layers side by side, for every recording that has them."""
import os

import h5py
import numpy as np

from program import chiasm, refused, run_tests, succeeded
from imports import layers, same
from study_maker import features, make_study

OF = ("import", "concat", "study", "--model", "both", "--of", "eye/top,ear.2/end")
MODELS = {"eye": {"top": 5, "low": 2}, "ear.2": {"end": 3}, "eye-random": {"top": 5}}


def study(**keywords):
    keywords = {"subjects": ("s1", "s2"), "alignments": ("language", "vision"), "n": 20,
                "models": MODELS, "dtype": np.float64, **keywords}
    return make_study("study", **keywords)


def expected(subject, alignment, *spaces, n=20):
    return np.hstack([features(0, subject, alignment, *space.split("/"), n,
                               MODELS[space.split("/")[0]][space.split("/")[1]])
                      for space in spaces])


def both(subject, alignment, model="both"):
    return layers(f"study/features/{subject}.{alignment}/{model}.h5")


def test_concat():
    study()
    succeeded(chiasm(*OF))
    for subject in ("s1", "s2"):
        for alignment in ("language", "vision"):
            same(both(subject, alignment),
                 {"concat": expected(subject, alignment, "eye/top", "ear.2/end")})
    with h5py.File("study/features/s1.vision/both.h5") as file:
        assert dict(file.attrs) == {"chiasm_format": 1, "model": "both", "network": "both",
                                    "modality": "linear", "training": "trained"}
    succeeded(chiasm("check", "study"))


def test_options():
    study()
    succeeded(chiasm(*OF[:-1], "ear.2/end,eye/low,eye/top,ear.2/end", "--layer", "all-4", "--network",
                     "twins", "--modality", "multimodal", "--training", "random", "--subjects", "s2",
                     "--alignments", "lang*"))
    made = [folder for folder in os.listdir("study/features")
            if os.path.exists(f"study/features/{folder}/both.h5")]
    assert made == ["s2.language"]
    same(both("s2", "language"), {"all-4": expected("s2", "language", "ear.2/end", "eye/low", "eye/top",
                                                    "ear.2/end")})
    with h5py.File("study/features/s2.language/both.h5") as file:
        assert [file.attrs[name] for name in ("network", "modality", "training")] == [
            "twins", "multimodal", "random"]
    # with one file there, none is made
    refused(chiasm(*OF), "study/features/s2.language/both.h5: exists", "--overwrite")
    assert not os.path.exists("study/features/s1.language/both.h5")
    succeeded(chiasm(*OF, "--overwrite"))
    assert list(both("s2", "language")) == ["concat"]


def test_missing_parts():
    study()
    os.remove("study/features/s1.vision/eye.h5")
    done = chiasm(*OF)
    succeeded(done)
    assert "1 of 4 recordings have not all of eye/top,ear.2/end" in done.stderr, done.stderr
    assert not os.path.exists("study/features/s1.vision/both.h5")
    assert list(both("s2", "vision")) == ["concat"]


def test_bad():
    study()
    refused(chiasm(*OF[:-1], "eye/top"), "--of: expected two layers or more")
    for text in ("eye,ear.2/end", "eye/top,", "eye/top/x,ear.2/end", "eye/*,ear.2/end", "/,ear.2/end"):
        refused(chiasm(*OF[:-1], text), "--of: ", "expected model/layer")
    refused(chiasm(*OF[:-1], "eye/top,both/concat"), "--of: both is the model that is to be made")
    refused(chiasm(*OF[:-1], "eye/top,eye/end"), "none of the 4 recordings selected has all",
            "s2.vision, for one, has no eye/end")
    refused(chiasm(*OF[:-1], "eye/top,nose/x"), "nose")
    refused(chiasm(*OF[:-1], "eye/top,eye-random/top"), "eye is trained, but eye-random is random",
            "--training")
    refused(chiasm(*OF[:4], "a/b", *OF[5:]), "--model: `a/b`")
    refused(chiasm(*OF, "--layer", "a/b"), "--layer: `a/b`")
    refused(chiasm(*OF, "--subjects", "s7"), "s7")
    refused(chiasm(*OF[:3]), "--model is required")
    refused(chiasm(*OF[:5]), "--of is required")
    refused(chiasm(*OF[:2], "absent", *OF[3:]), "absent: there is no such folder")
    for value, text in ((np.nan, "nan"), (1e39, "1e+39")):
        with h5py.File("study/features/s1.language/eye.h5", "r+") as file:
            file["layers/top"][3, 4] = value
        refused(chiasm(*OF), "features/s1.language/eye.h5:/layers/top", f"{text} at row 3, column 4")
        assert os.listdir("study/features/s1.language").count("both.h5") == 0
        assert "both.h5.tmp" not in os.listdir("study/features/s1.language")


def test_blocks():
    """Wider than a block of rows holds."""
    models = {"eye": {"top": 200_000}, "ear.2": {"end": 3}}
    study(models=models, subjects=("s1",), alignments=("vision",), n=50, dtype=np.float32)
    succeeded(chiasm(*OF))
    with h5py.File("study/features/s1.vision/eye.h5") as file:
        top = file["layers/top"][:]
    with h5py.File("study/features/s1.vision/ear.2.h5") as file:
        same(both("s1", "vision"), {"concat": np.hstack([top, file["layers/end"][:]])})


run_tests(dict(globals()))
