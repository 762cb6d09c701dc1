"""Everything that stops a run from being opened: one clear line, the exit code, and nothing harmed."""
import os
import shutil

import h5py

from checksums import seal
from compare_runs import differences
from driver import main, ok, refused


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "lock"}


def test_new(folder):
    refused(2, "make it", 2, "new", folder / "missing/run")
    (folder / "file").write_text("")
    refused(2, "is a file, expected a folder", 2, "new", folder / "file")
    (folder / "foreign").mkdir()
    (folder / "foreign/thesis.tex").write_text("do not lose")
    refused(2, "other things in it", 2, "new", folder / "foreign")
    refused(2, "other things in it", 1, "overwrite", folder / "foreign")
    refused(2, "other things in it", 2, "resume", folder / "foreign")
    assert [p.name for p in (folder / "foreign").iterdir()] == ["thesis.tex"]
    (folder / "empty").mkdir()
    ok(1, "resume", folder / "missing")  # killed before it made the folder: started now
    ok(2, "resume", folder / "empty")
    before = contents(folder / "empty")
    refused(2, "holds a run already", 2, "new", folder / "empty")
    assert contents(folder / "empty") == before
    os.symlink(folder / "nowhere", folder / "link")
    refused(1, "cannot be looked at", 1, "new", folder / "link")
    refused(2, "too long", 1, "new", "x/" * 3000)


def test_options_differ(folder):
    run = folder / "run"
    ok(2, "new", run)
    before = contents(run)
    for config, text in (("fit:\n  folds: 4\n  alphas: [0.1, 1]\n", "folds is 5 in the run, 4 now"),
                         ("fit:\n  folds: 5\n  alphas: [0.1, 1, 2]\n", "alphas is [0.1, 1] in the run, [0.1, 1, 2] now"),
                         ("fit:\n  folds: 5\n", "alphas is [0.1, 1] in the run, not set now"),
                         ("fit:\n  folds: 5\n  alphas: [0.1, 1]\n  gap: 2\n", "gap is not set in the run, 2 now")):
        refused(2, "options differ: " + text, 1, "resume", run, f"config={config}")
        assert contents(run) == before
    ok(2, "resume", run, "config=fit: {alphas: [0.1, 1], folds: 5}\n")  # only the order and the style


def test_study_differs(folder):
    run = folder / "run"
    ok(2, "new", run)
    before = contents(run)
    refused(2, "the study has changed since this run was made", 2, "resume", run, "checksum=0000000000000000")
    refused(2, "/language has 5 sites, the study now 10", 1, "resume", run, "scale=2")
    assert contents(run) == before


def test_damaged(folder):
    """A file that opens but is not what it should be: damaged it is made again, of something else it is left alone."""
    ok(1, "new", folder / "good")
    def renamed(f):
        f["language/site"][0] = "s1/e9"
        f["language/electrode"][0] = "e9"
    def sealed(f):
        renamed(f)
        f.close()
        seal(folder / "bad/fit.h5")
    def chunked(f):
        values = f["vision/val_r"][()]
        del f["vision/val_r"]
        f.create_dataset("vision/val_r", data=values, chunks=(1, 1, 7))
    for change, again, text in ((lambda f: f.__delitem__("vision/done"), True, "done is missing"),
                                (lambda f: f.attrs.__delitem__("chiasm_format"), False, "is no result of chiasm fit"),
                                (lambda f: f.attrs.__setitem__("chiasm_format", 9), False, "is of format 9"),
                                (lambda f: f.attrs.__delitem__("config"), True, "does not say how it was made"),
                                (lambda f: f.__delitem__("vision"), False, "holds 1 alignments"),
                                (renamed, False, "/language: its labels (sites, layers, ..., the options) do not fit"),
                                (sealed, False, "s1/e9 is not what the study has there"),
                                (lambda f: f.__delitem__("language/n_features"), True, "n_features is missing"),
                                (chunked, True, "is not one block of the file")):
        shutil.copytree(folder / "good", folder / "bad")
        with h5py.File(folder / "bad/fit.h5", "r+") as file:
            change(file)
        if again:
            out = ok(1, "resume", folder / "bad")
            assert text in out and "starts from nothing" in out, out
            assert differences(folder / "good/fit.h5", folder / "bad/fit.h5") == []
        else:
            refused(2, text, 1, "resume", folder / "bad")
        shutil.rmtree(folder / "bad")


def test_overwrite(folder):
    """Files of all stages go, others and what links lead to stay."""
    run = folder / "run"
    ok(1, "new", run)
    (folder / "precious").write_text("keep")
    for name in ("bootstrap.h5", "sites.h5", "sites.csv", "regions.csv", "report.html", "notes.txt"):
        (run / name).write_text("old")
    os.symlink(folder / "precious", run / "status.json")
    os.symlink(folder / "precious", run / "fit.h5.tmp")
    (run / "log.txt").unlink()
    os.symlink(folder / "precious", run / "log.txt")
    ok(2, "overwrite", run, "config=fit: {folds: 3}\n")
    assert sorted(p.name for p in run.iterdir()) == ["config.yaml", "fit.h5", "lock", "log.txt", "notes.txt"]
    assert (folder / "precious").read_text() == "keep" and not (run / "log.txt").is_symlink()
    assert (run / "config.yaml").read_text() == "fit: {folds: 3}\n"
    ok(2, "overwrite", folder / "new")  # of nothing is a new run


def test_links_and_pipes(folder):
    """A run writes into files of its own folder alone, and waits for nobody at a pipe."""
    run = folder / "run"
    ok(1, "new", run)
    os.symlink(run, folder / "link")
    ok(2, "resume", folder / "link")
    for name in ("lock", "fit.h5", "config.yaml", "log.txt", "status.json", "sites.csv"):
        path, kept, outside = run / name, folder / "kept", folder / f"outside-{name}"
        there = path.exists()
        if there:
            path.rename(kept)
        for make, text in ((lambda: os.symlink(outside, path), f"{name}: is a link"),
                           (lambda: (shutil.copy(kept if there else __file__, outside), os.symlink(outside, path)),
                            f"{name}: is a link"),
                           (lambda: os.mkfifo(path), f"{name}: is not a regular file"),
                           (lambda: path.mkdir(), f"{name}: is not a regular file")):
            make()
            before = outside.read_bytes() if outside.exists() else None
            refused(2, text, 1, "resume", run)
            assert (outside.read_bytes() if outside.exists() else None) == before
            path.rmdir() if path.is_dir() else path.unlink()
        if there:
            kept.rename(path)
    os.mkfifo(run / "status.json.tmp")  # what a killed job left goes, whatever it is
    ok(2, "resume", run)
    assert not (run / "status.json.tmp").exists()


main([test_new, test_options_differ, test_study_differs, test_damaged, test_overwrite, test_links_and_pipes])
