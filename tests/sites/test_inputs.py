"""Files that are missing, incomplete, damaged or do not belong together: one line and an exit code."""
import os
import random
import shutil

import h5py
import numpy as np

from checksums import seal
from compare import check_run
from program import chiasm, errors, refused, run_tests, succeeded
from run_maker import make_run

SMALL = dict(electrodes=2, replicates=30, bins=6, alignments={"language": 1}, missing=())


def sites(*more):
    return chiasm("sites", "run", "--min-bins", 2, *more)


def change(name, function):
    with h5py.File(f"run/{name}", "r+") as f:
        function(f)


def fails(name, function, *parts, sealed=False, **keywords):
    """A run with one thing changed, whose checksums fit that if it is sealed, is refused."""
    fresh = "fresh-" + "-".join(f"{k}{v}" for k, v in keywords.items())
    if not os.path.exists(fresh):
        make_run(fresh, **{**SMALL, **keywords})
    shutil.rmtree("run", ignore_errors=True)
    shutil.copytree(fresh, "run")
    change(name, function)
    if sealed:
        seal(f"run/{name}")
    refused(sites(), *parts)
    assert not os.path.exists("run/sites.h5") and not os.path.exists("run/sites.csv")


def replace(group, name, data, **more):
    del group[name]
    group.create_dataset(name, data=data, **more)


def test_missing():
    refused(sites(), "run: no such run")
    make_run("run", **SMALL)
    os.rename("run/bootstrap.h5", "b")
    refused(sites(), "neither an influence.h5 nor a bootstrap.h5", "chiasm influence run", "chiasm bootstrap run")
    refused(chiasm("sites", "run", "--test", "bins"), "has no bootstrap.h5, which --test bins needs",
            "chiasm bootstrap run makes it")
    os.rename("run/fit.h5", "f")
    refused(sites(), "has no fit.h5; chiasm fit STUDY -o run makes it")
    assert not os.path.exists("run/lock")


def test_incomplete():
    def set_flag(name, value):
        def function(f):
            f["language"][name][0, 0] = value
        return function
    fails("fit.h5", set_flag("done", 0), "fit.h5: is not complete; chiasm fit ", "--resume")
    fails("bootstrap.h5", set_flag("summarised", 0), "bootstrap.h5: is not complete; chiasm "
          "bootstrap run --resume")

    def without_replicates(f):
        del f["language/test_r"], f["language/val_r"]
    fails("bootstrap.h5", without_replicates, "bootstrap.h5: /language: val_r is missing")


def test_failed_units():
    make_run("run", **SMALL)
    change("fit.h5", lambda f: f["language/done"].__setitem__((0, 0), 2))
    change("bootstrap.h5", lambda f: f["language/done"].__setitem__((0, 0, 0), 2))
    result = sites()
    succeeded(result)
    assert "fit.h5: 1 layers of sites failed" in result.stderr
    assert "bootstrap.h5: replicates of 1 models of sites failed" in result.stderr


def test_unequal_files():
    def attribute(name, value):
        def function(f):
            f.attrs[name] = value
        return function
    fails("bootstrap.h5", attribute("study_checksum", "f" * 16), "is of another study than fit.h5", sealed=True)
    fails("bootstrap.h5", attribute("chiasm_format", 1), "is of format 1, this chiasm reads")
    fails("fit.h5", attribute("chiasm_format", 1), "is of format 1, this chiasm reads")
    fails("bootstrap.h5", lambda f: f.attrs.__delitem__("chiasm_format"), "no result of chiasm")
    fails("bootstrap.h5", lambda f: f.attrs.__delitem__("study_checksum"), "study_checksum")
    fails("bootstrap.h5", lambda f: f.move("language", "other"), "the alignment other", sealed=True)
    fails("bootstrap.h5", lambda f: f["language/site"].__setitem__(0, "s9/E0"),
          "its sites are not those of fit.h5", sealed=True)
    fails("bootstrap.h5", lambda f: f["language/model"].__setitem__(0, "else"),
          "its models are not those", sealed=True)
    fails("bootstrap.h5", lambda f: f["language/layer"].__setitem__((1, 0), "else"),
          "its layers are not those", sealed=True)

    def without_a_model(f):  # as if its layers were fitted after the bootstrap
        f["language/layer"][:2] = ""
    fails("bootstrap.h5", without_a_model, "its layers are not those", by_space=True, sealed=True)


def test_wrong_shapes():
    def cut(name):
        def function(f):
            replace(f["language"], name, f["language"][name][..., :-1])
        return function
    for name in ("val_r_mean", "test_r_upper", "test_r", "summarised"):
        fails("bootstrap.h5", cut(name), name)
    fails("bootstrap.h5", cut("layer"), "layer has 1 labels, expected 2")
    fails("bootstrap.h5", lambda f: f["language"].__delitem__("test_r"), "/language", "test_r")
    fails("bootstrap.h5", lambda f: f["language"].attrs.__delitem__("block_length"), "block_length")
    fails("bootstrap.h5", lambda f: replace(f["language"], "done", ["a"]), "done")
    fails("bootstrap.h5", cut("kept_row"), "kept_row has", keep=False)
    fails("bootstrap.h5", cut("kept_test_r"), "kept_test_r", keep=False)

    def unsorted(f):
        f["language/kept_row"][...] = f["language/kept_row"][()][::-1]
    fails("bootstrap.h5", unsorted, "out of range or out of order", keep=False, sealed=True)

    def outside(f):
        f["language/kept_time"][-1] = 2**31 - 1
    fails("bootstrap.h5", outside, "out of range", keep=False, sealed=True)

    def elsewhere(f):
        del f["language/test_r"]
        f["language/test_r"] = h5py.ExternalLink("other.h5", "/x")
    fails("bootstrap.h5", elsewhere, "external link")


def test_changed():
    """Whatever sites reads is compared with its checksum: each dataset and attribute in turn is another."""
    def other(g, name):
        def function(f):
            data = f[g][name][()]
            f[g][name][...] = "else" if data.dtype == object else data + data.dtype.type(1)
        return function
    for keep in (True, False):
        make_run(f"whole-{keep}", **SMALL, keep=keep)
        for name in ("fit.h5", "bootstrap.h5"):
            with h5py.File(f"whole-{keep}/{name}") as f:
                there = [d for d in f["language"] if d not in ("done", "summarised")]
            unread = [] if keep else ["checksum"]  # of replicates that were dropped
            for dataset in sorted(set(there) - set(unread if name == "bootstrap.h5" else ())):
                fails(name, other("language", dataset), f"{name}: /language: ", "not fit their checksum", keep=keep)
            for attribute in ("config", "study_checksum"):
                fails(name, lambda f: f.attrs.__setitem__(attribute, "else"), "not fit their checksum", keep=keep)
        fails("bootstrap.h5", lambda f: f["language"].attrs.__setitem__("block_length", np.int32([8])),
              "not fit their checksum", keep=keep)


def test_nothing_kept():
    """No entries at all in the file without replicates."""
    make_run("run", **SMALL, keep=False, edit=lambda a: a.val.fill(-1))
    check_run("run", "--min-bins", 2, min_bins=2)


def test_damage():
    """Torn and scribbled files end in one line and a code; never in a crash or a hang.

    HDF5 itself crashes on some, in a child process that is watched; AddressSanitizer ends that
    before the kernel does."""
    make_run("run", **SMALL)
    succeeded(sites())
    with open("run/sites.csv", "rb") as f:
        table = f.read()
    for name in ("fit.h5", "bootstrap.h5"):
        with open(f"run/{name}", "rb") as f:
            whole = f.read()
        pieces = [whole[:len(whole) // 2], whole[:600], b"", b"not HDF5 at all" * 50]
        g = random.Random(1)
        for _ in range(12):
            bad = bytearray(whole)
            for _ in range(40):
                bad[g.randrange(len(bad))] = g.randrange(256)
            pieces.append(bytes(bad))
        for i, piece in enumerate(pieces):
            with open(f"run/{name}", "wb") as f:
                f.write(piece)
            result = sites()
            if "AddressSanitizer" in result.stderr and "libhdf5" in result.stderr:
                continue
            assert result.returncode in ((0, 1, 2) if i > 3 else (2,)), (name, i, result.stderr)
            assert len(errors(result)) == (result.returncode != 0), (name, i, result.stderr)
            if result.returncode == 0:
                with open("run/sites.csv", "rb") as f:
                    assert f.read() == table, (name, i)
        with open(f"run/{name}", "wb") as f:
            f.write(whole)
    succeeded(sites())


def test_output_in_the_way():
    make_run("run", **SMALL)
    os.mkdir("run/sites.csv")
    refused(sites(), "run/sites.csv: is not a regular file; remove it")
    assert not os.path.exists("run/sites.csv.tmp")


if __name__ == "__main__":
    run_tests(globals())
