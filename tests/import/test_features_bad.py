"""import features: every bad input is refused in one line that names file, object and place, and nothing
is left in the study that was not there before."""
import os
import shutil
import subprocess
import zipfile

import h5py
import numpy as np

from gates import Gate, environment
from program import CHIASM, chiasm, refused, run_tests, succeeded
from imports import N, arguments, content, empty_study, imported

GOOD = np.arange(2 * N, dtype="f4").reshape(N, 2)


def no(*parts, files=("bad.npy",), code=2, ranks=0, **header):
    """Refused with these parts; no file of the model, half or whole."""
    refused(chiasm(*arguments(*files, **header), ranks=ranks), *parts, code=code)
    for folder, _, names in os.walk("study/features"):
        assert not names, (folder, names)


def write(data, name="bad.npy"):
    with open(name, "wb") as file:
        file.write(data)


def test_no_arrays():
    empty_study()
    no("bad.npy: there is no such file")
    os.mkdir("bad.npy")
    no("bad.npy: is not a regular file")
    os.rmdir("bad.npy")
    for data in (b"", b"text", b"\x93NUMP"):
        write(data)
        no("bad.npy: is neither .npy nor .npz nor HDF5")
    np.save("array.npy", GOOD)
    os.rename("array.npy", "array.dat")
    no("array.dat: expected the name LAYER.npy", files=["array.dat"])
    np.save("a b.npy", GOOD)
    no("a b.npy", "cannot name a layer", files=["a b.npy"])
    os.mkdir("other")
    np.save("one.npy", GOOD)
    np.save("other/one.npy", GOOD)
    no("one.npy and other/one.npy: both are named one", files=["one.npy", "other/one.npy"])


def test_damaged_arrays():
    """More of them in test_npy.c."""
    empty_study()
    np.save("bad.npy", GOOD)
    good = content("bad.npy")
    write(good[:50])
    no("bad.npy: the head of this .npy is damaged")
    write(good[:-1])
    no("bad.npy: is cut short: 30 x 2 of float32 are 240 bytes, but the file has 239")
    np.save("bad.npy", GOOD.astype("c8"))
    no("bad.npy: holds numbers of type <c8", "expected floats (f2, f4, f8), integers or truth values")
    np.save("bad.npy", np.array([{}] * N, dtype=object), allow_pickle=True)
    no("bad.npy: holds numbers of type |O")


def test_rows_that_do_not_fit():
    empty_study()
    np.save("good.npy", GOOD)
    for shape in ((N + 1, 2), (2, N), (N - 1,)):
        np.save("bad.npy", np.zeros(shape, "f4"))
        no(f"bad.npy: has {shape[0]} rows, but responses/s1.language.h5 has {N} events",
           files=["good.npy", "bad.npy"], ranks=2 if shape[0] == 2 else 0)


def test_numbers_that_are_none():
    empty_study()
    for dtype, value, text in (("f2", np.nan, "nan"), ("f4", np.inf, "inf"), ("f8", -np.inf, "-inf")):
        x = np.zeros((N, 2, 3), dtype)
        x[7, 1, 2] = value
        x[8, 0, 0] = np.nan
        np.save("bad.npy", x)
        no(f"bad.npy: {text} at row 7, column 5", "expected finite numbers")
    x = np.zeros((N, 4))
    x[N - 1, 3] = -1e39
    np.save("bad.npy", x)
    np.save("good.npy", GOOD)
    for options in (("--project", "none"), ("--project", 2, "--always")):
        no("bad.npy: -1e+39 at row 29, column 3", "float32's range",
           files=("good.npy", "bad.npy", *options), ranks=2)
    np.save("bad.npy", np.full((N, 400), 3e38, "f4"))
    no("bad.npy: row 0 (counted from 0) is beyond float32's range once projected",
       files=["bad.npy", "--project", 3])


def test_nan_in_a_late_block():
    """Ranks that have read their blocks stop with the one that cannot."""
    x = np.zeros((N, 900_000), "f2")
    x[25, 800_000] = np.nan
    x[29, 0] = np.nan
    empty_study()
    np.save("bad.npy", x)
    for ranks in (1, 3):
        no("bad.npy: nan at row 25, column 800000", ranks=ranks, files=["bad.npy", "--project", 2])


def test_archives():
    empty_study()
    np.savez("good.npz", a=GOOD, b=GOOD)
    data = content("good.npz")
    write(data[:len(data) // 2], "bad.npz")
    no("bad.npz: cannot be opened as an .npz archive", files=["bad.npz"])
    at = data.index(GOOD.tobytes())
    np.savez_compressed("bad.npz", a=GOOD, b=np.random.default_rng(0).random((N, 50)))
    data = bytearray(content("bad.npz"))
    data[data.index(b"b.npy") + 900] ^= 255
    write(data, "bad.npz")
    no("bad.npz:b.npy: ", "damaged", files=["bad.npz"])
    assert at > 0
    with zipfile.ZipFile("bad.npz", "w") as file:
        pass
    no("bad.npz", files=["bad.npz"])
    for name in ("readme.txt", "folder/a.npz"):
        with zipfile.ZipFile("bad.npz", "w") as file:
            file.write("good.npz", name)
        no("bad.npz: member 0", name, files=["bad.npz"])
    with zipfile.ZipFile("bad.npz", "w") as file:
        file.writestr("a.npy", "no array")
    no("bad.npz:a.npy: is no .npy file", files=["bad.npz"])
    np.savez_compressed("bad.npz", f=np.asfortranarray(GOOD))
    no("bad.npz:f.npy: is compressed and in Fortran order", files=["bad.npz"])
    x = GOOD.copy()
    x[3, 1] = np.nan
    np.savez("bad.npz", a=GOOD, b=x)
    no("bad.npz:b.npy: nan at row 3, column 1", files=["bad.npz"])


def test_hdf5():
    empty_study()
    with h5py.File("bad.h5", "w") as file:
        file["good"] = GOOD
        file["packed"] = GOOD.astype(int)
        file["packed"].attrs["scale_factor"] = 0.1
        file["complex"] = GOOD.astype("c8")
        file["text"] = "text"
        file["one"] = np.float32(1)
        file["short"] = GOOD[1:]
        file.create_dataset("nothing", (N, 0), "f4")
        file.create_dataset("unwritten", (N, 2), "f4")
        file["soft"] = h5py.SoftLink("/good")
        file["external"] = h5py.ExternalLink("other.h5", "/good")
        file["loop/x"] = GOOD
        file["loop/a"] = file["loop/b"] = file["loop"]  # which are it, again
        file.create_group("empty")
        file["named/a b"] = GOOD
        bad = GOOD.copy()
        bad[4, 0] = np.inf
        file["inf"] = bad
    for path, *parts in (("good/x", "/good is a dataset"), ("packed", "int64 with an attribute scale_factor"), ("text", "one number"),
                         ("complex", "expected float16, float32, float64, integers or truth values"),
                         ("one", "one number"), ("nothing", "is empty"), ("soft", "a soft link"),
                         ("unwritten", "/unwritten was never written"), ("external", "external link"),
                         ("absent", "/absent is missing"), ("loop", "too many groups within groups"),
                         ("empty", "/empty is empty"), ("named", "cannot name a layer"),
                         ("short", "29 rows", "30 events"), ("inf", "inf at row 4, column 0"),
                         ("absent/x", "/absent is missing"), ("x" * 300, "too long")):
        no("bad.h5", *parts, files=[f"bad.h5:/{path}"])
    no("bad.h5: is an HDF5 file", "bad.h5:/PATH", files=["bad.h5"])
    no("absent.h5: there is no such file", files=["absent.h5:/x"])
    write(content("bad.h5")[:1000], "cut.h5")
    no("cut.h5: HDF5 cannot open it", files=["cut.h5:/good"])


def test_study():
    empty_study()
    np.save("bad.npy", GOOD)
    no("absent/responses/s1.language.h5: there is no such file", study="absent")
    no("study/responses/s2.language.h5: there is no such file", subject="s2")
    no("--subject: `../s1`", subject="../s1")
    no("--alignment: `a.b`", alignment="a.b")
    no("--model: `../../x`", model="../../x")
    no("--modality", "expected a name", modality="vis\nion")
    no("--network", "expected a name", files=["bad.npy", "--network", "a/b"])
    with h5py.File("study/responses/s1.language.h5", "r+") as file:
        file.attrs["chiasm_format"] = 2
    no("s1.language.h5: attribute chiasm_format")
    with h5py.File("study/responses/s1.language.h5", "r+") as file:
        file.attrs["chiasm_format"] = 1
        del file["response"]
    no("s1.language.h5: /response is missing")


def test_usage():
    empty_study()
    np.save("bad.npy", GOOD)
    for text in ("many", "0", "-3", "5x", "1e3", "99999999999999999999"):
        no(f"--project {text}: expected", files=["bad.npy", "--project", text])
    no("--project none contradicts --always", files=["bad.npy", "--project", "none", "--always"])
    no("--project none contradicts --keep", files=["bad.npy", "--project", "none", "--keep", "x"])
    no("--eps: 1 is not between", files=["bad.npy", "--eps", 1])
    no("too few arguments", files=[])
    for name in ("subject", "alignment", "model", "modality", "training"):
        line = list(arguments("bad.npy"))
        at = line.index(f"--{name}")
        refused(chiasm(*line[:at], *line[at + 2:]), f"--{name} is required")


def test_nothing_is_lost():
    """What cannot be imported or written leaves the older file."""
    empty_study()
    np.save("good.npy", GOOD)
    imported("good.npy")
    path = "study/features/s1.language/net.h5"
    before = content(path)
    x = GOOD.copy()
    x[N - 1, 1] = np.nan
    np.save("bad.npy", x)
    refused(chiasm(*arguments("good.npy", "bad.npy", "--overwrite"), ranks=2), "bad.npy: nan")
    assert content(path) == before
    assert os.listdir("study/features/s1.language") == ["net.h5"]
    shutil.rmtree("study/features")
    write(b"a file", "study/features")
    refused(chiasm(*arguments("good.npy")), "study/features", "Not a directory", code=1)
    # a full disk: no file may grow beyond 20 MB
    os.remove("study/features")
    np.save("large.npy", np.zeros((N, 400_000), "f2"))
    line = [os.environ["CHIASM"], *arguments("large.npy", "--project", "none")]
    done = subprocess.run(["bash", "-c", 'trap "" XFSZ; ulimit -f 20480; exec "$@"', "-", *line],
                          capture_output=True, text=True)
    refused(done, "net.h5: cannot be written", code=1)
    assert os.listdir("study/features/s1.language") == []
    assert "error" not in succeeded(chiasm(*arguments("large.npy", "--project", "none")))


def test_two_at_once():
    """Two imports of one model: the second is refused while the first is at work, and both ends are clean."""
    empty_study()
    np.save("conv1.npy", GOOD)
    command = arguments("conv1.npy")
    with Gate("net.h5.written") as gate:
        first = subprocess.Popen([CHIASM, *command], env=environment(gate), stdout=subprocess.DEVNULL)
        gate.wait()
        refused(chiasm(*command), "net.h5: another job is writing this file")
        assert sorted(os.listdir("study/features/s1.language")) == ["net.h5.lock.tmp", "net.h5.tmp"]
        gate.open()
        assert first.wait() == 0
    assert os.listdir("study/features/s1.language") == ["net.h5"]
    refused(chiasm(*command), "net.h5: exists; --overwrite replaces it")
    for left in ("net.h5.tmp", "net.h5.lock.tmp"):  # by a job that was killed
        open(f"study/features/s1.language/{left}", "w").close()
    imported("conv1.npy", "--overwrite")
    assert os.listdir("study/features/s1.language") == ["net.h5"]


run_tests(dict(globals()))
