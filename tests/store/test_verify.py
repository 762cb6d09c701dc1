"""chiasm verify: what is damaged or has changed is named, with the place; a good run is good; nothing is written."""
import os
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from stage.boot import booted, fitted
from program import ERROR, chiasm, contents, said
from study_maker import make_study

STUDY = dict(subjects=("s1", "s2"), alignments=("film", "sound"), n=40, electrodes=3, bins=4,
             models={"netA": {"one": 6, "two": 9}, "netA-random": {"one": 5}})


def verify(run, *texts, code=0, ranks=0):
    """Its table, which must hold the texts; the run is left alone."""
    before = contents(run)
    done = chiasm("verify", run, ranks=ranks)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}{done.stderr}"
    assert ERROR not in done.stderr, done.stderr
    for text in texts:
        assert text in done.stdout, f"no {text!r} in {done.stdout}"
    assert contents(run) == before
    return done.stdout


def change(path, dataset, *places, mask=4):
    """Flip a bit of single values in a contiguous dataset."""
    with h5py.File(path, "r") as f:
        d = f[dataset]
        at = [d.id.get_offset() + d.dtype.itemsize * int(np.ravel_multi_index(p, d.shape)) for p in places]
    data = bytearray(path.read_bytes())
    for a in at:
        data[a] ^= mask
    path.write_bytes(data)


def check_good(run, folder):
    for ranks in (0, 2, 3):
        out = verify(run, "study", "12 files", "36 scores", "48 blocks", "config.yaml", ranks=ranks)
        assert "wrong" not in out and out.count("good") == 5, out
    fit = folder / "fit"
    shutil.copytree(run, fit)
    for name in ("bootstrap.h5", "sites.h5", "sites.csv"):
        os.remove(fit / name)
    assert verify(fit).count("good") == 3
    said(chiasm("verify", folder / "none"), 2, "there is no run here")
    said(chiasm("verify", folder), 2, "there is no run here")
    said(chiasm("verify", folder / "a", folder / "b"), 2, "too many arguments")


def check_damage(run, folder):
    bad = folder / "bad"
    shutil.copytree(run, bad)
    change(bad / "fit.h5", "film/val_r", (1, 4, 2), (2, 0, 0))
    change(bad / "fit.h5", "sound/checksum", (0, 1))
    change(bad / "bootstrap.h5", "sound/test_r", (1, 2, 55, 1))
    for ranks in (0, 3):
        out = verify(bad, "fit.h5: film netA/two at s2/E001: the scores do not fit their checksum",
                     "fit.h5: film netA-random/one at s1/E000", "fit.h5: sound netA/one at s1/E001", "3 wrong",
                     "bootstrap.h5: sound netA-random/one at s1/E002: block 1", "1 wrong", code=1, ranks=ranks)
        assert "more" not in out, out
    change(bad / "fit.h5", "film/alpha", *((f, s, 0) for f in range(3) for s in range(6)))
    out = verify(bad, "and 10 more", code=1)  # 20 in all: one place is damaged twice
    assert out.count("do not fit") == 10, out
    text = (bad / "config.yaml").read_text()
    (bad / "config.yaml").write_text(text.replace("folds: 5", "folds: 4"))
    verify(bad, code=1)
    shutil.rmtree(bad)

    shutil.copytree(run, bad)
    (bad / "config.yaml").write_text(text.replace("folds: 5", "folds: 4").replace("replicates: 60", "replicates: 61"))
    verify(bad, "folds is 5 in fit.h5, 4 in config.yaml", "replicates is 60 in bootstrap.h5, 61 in config.yaml", code=1)
    os.remove(bad / "config.yaml")
    verify(bad, "config.yaml", code=1)
    (bad / "sites.h5").write_bytes((bad / "sites.h5").read_bytes()[:3000])
    verify(bad, "sites.h5", code=1)
    (bad / "bootstrap.h5").write_bytes((bad / "bootstrap.h5").read_bytes()[:-1])
    verify(bad, "bootstrap.h5", code=1)
    (bad / "fit.h5").write_bytes((bad / "fit.h5").read_bytes()[:-1])
    said(chiasm("verify", bad), 1, "bad/fit.h5")


def other(f, name):
    """All values of a dataset are others."""
    f[name][...] = "else" if f[name].dtype == object else 7


def check_changed(run, folder):
    """Labels, summaries, kept bins and tables for people: nothing can be changed unnoticed, and nothing takes it up."""
    dropped, bad = folder / "dropped", folder / "bad"
    shutil.rmtree(bad)
    shutil.copytree(run, dropped)
    booted(dropped, "--resume", "--no-keep-replicates", ranks=0)
    verify(dropped, "summaries: the replicates were dropped")
    for source, name, dataset in ((run, "bootstrap.h5", "film/val_r_upper"), (run, "bootstrap.h5", "film/test_r_mean"),
                                  (dropped, "bootstrap.h5", "film/test_r_lower"),
                                  (run, "fit.h5", "film/region"), (run, "fit.h5", "film/n_features"),
                                  (run, "fit.h5", "sound/time"), (run, "bootstrap.h5", "sound/training")):
        shutil.copytree(source, bad)
        with h5py.File(bad / name, "r+") as f:
            other(f, dataset)
        done = chiasm("verify", bad)
        assert done.returncode == 1 and "not fit" in done.stdout + done.stderr, (name, dataset, done)
        if source is dropped or not dataset.endswith(("_upper", "_mean")):  # else they are made again
            before = (bad / name).read_bytes()
            said(chiasm("bootstrap", bad, "--resume"), 2, f"{name}: ", "fit their checksum", "--overwrite")
            assert (bad / name).read_bytes() == before
        said(chiasm("sites", bad, "--min-bins", 2), 2, f"{name}: ", "fit their checksum")
        shutil.rmtree(bad)
    for column in ("layer_than", "x", "bins", "p_adjusted", "significant"):
        shutil.copytree(run, bad)
        with h5py.File(bad / "sites.h5", "r+") as f:
            f[column][0] = "else" if f[column].dtype == object else 1 if column == "significant" else 7
        verify(bad, "sites.h5: does not fit its checksum", code=1)
        shutil.rmtree(bad)
    for name in ("sites.csv", "regions.csv"):
        shutil.copytree(run, bad)
        (bad / name).write_bytes((bad / name).read_bytes().replace(b"0", b"1", 1))
        verify(bad, f"{name}: does not fit its checksum", code=1)
        shutil.rmtree(bad)


def check_unfinished(run, folder):
    part = folder / "part"
    shutil.copytree(run, part)
    with h5py.File(part / "bootstrap.h5", "r+") as f:
        f["film/done"][0, 0, 0] = 0
        f["film/summarised"][...] = 0
    verify(part, "is not complete", "47 blocks", code=3)
    os.remove(part / "bootstrap.h5")
    with h5py.File(part / "fit.h5", "r+") as f:
        f["film/done"][0, 0] = 0
    verify(part, "is not complete", "35 scores", code=3, ranks=2)
    change(part / "fit.h5", "film/test_r", (1, 1, 1))
    verify(part, "film netA/two at s1/E001", code=1)


def check_study(study, run):
    """The study changed; then a file of it has other labels, or is gone."""
    file = study / "features/s1.film/netA-random.h5"
    data = file.read_bytes()
    file.write_bytes(data + b"x")
    verify(run, "has changed since the run was made", code=1, ranks=2)
    file.write_bytes(data)
    responses = study / "responses/s2.film.h5"
    data = responses.read_bytes()
    with h5py.File(responses, "r+") as f:
        f["electrode"][0] = "Q7"
    verify(run, "has changed since", "s2/E000 is not what the study has", code=1)
    responses.write_bytes(data)
    shutil.copy(study / "features/s1.film/netA-random.h5", study / "features/s1.film/later.h5")
    with h5py.File(study / "features/s1.film/later.h5", "r+") as f:
        f.attrs["model"] = "later"
    verify(run)  # it has no part in the run
    os.rename(study, str(study) + "-away")
    verify(run, "the study", "no such folder", code=1)


def main():
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "runs"
        folder.mkdir()
        study, run = Path(make_study(Path(top) / "study", **STUDY)), Path(top) / "run"
        fitted(study, run)
        booted(run, "--replicates", 60, ranks=0)
        assert chiasm("sites", run, "--min-bins", 2).returncode == 0
        check_good(run, folder)
        print("passed: good runs", flush=True)
        check_damage(run, folder)
        print("passed: damage", flush=True)
        check_changed(run, folder)
        print("passed: changed labels, summaries and tables", flush=True)
        check_unfinished(run, folder)
        print("passed: unfinished runs", flush=True)
        check_study(study, run)
        print("passed: the study", flush=True)


if __name__ == "__main__":
    sys.exit(main())
