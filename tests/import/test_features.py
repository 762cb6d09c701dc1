"""import features: what arrives in the study is what NumPy reads in the files."""
import os
import zipfile

import h5py
import numpy as np
import xarray

from program import chiasm, refused, run_tests, succeeded
from imports import N, arguments, content, empty_study, imported, layers, same

FILE = "study/features/s1.language/net.h5"


def numbers(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_npy_of_every_kind():
    empty_study()
    expected, files = {}, []
    shapes = ((N,), (N, 1), (N, 5), (N, 3, 4), (N, 2, 3, 2), (N, 2, 1, 3, 2))
    for dtype in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8"):
        for order in "CF":
            for version in (1, 2, 3):
                shape = shapes[len(files) % len(shapes)]
                x = np.asarray(numbers(shape, dtype, len(files)), order=order)
                name = f"{len(files):02d}-{dtype[1:]}.{order}_{version}"
                with open(f"{name}.npy", "wb") as file:
                    np.lib.format.write_array(file, x, version=(version, 0))
                assert np.load(f"{name}.npy").dtype == np.dtype(dtype)
                expected[name] = np.load(f"{name}.npy")
                files.append(f"{name}.npy")
    # every shape in Fortran order, and numbers that float32 cannot hold exactly
    for i, shape in enumerate(shapes):
        expected[f"f{i}"] = np.asfortranarray(numbers(shape, float, 99 + i) * 1e-3)
        np.save(f"f{i}.npy", expected[f"f{i}"])
        files.append(f"f{i}.npy")
    same(imported(*files), expected)
    with open("old.npy", "wb") as file:  # as Python 2 wrote it
        head = b"{\"shape\": (%dL, 2L), 'descr': '<f4', 'fortran_order':False}" % N
        file.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
        file.write(numbers((N, 2), "<f4").tobytes())
    same(imported("old.npy", "--overwrite"), {"old": numbers((N, 2), "<f4")})


def test_npz():
    empty_study()
    x = {"z": numbers((N, 4), "f4"), "a.b": numbers((N, 2, 3), "f2"), "m": numbers((N,), "f8")}
    np.savez("plain.npz", **x, f=np.asfortranarray(numbers((N, 3, 2), "f4")))
    np.savez_compressed("packed.npz", **x)
    x["f"] = numbers((N, 3, 2), "f4")
    same(imported("plain.npz", "--order", "given"), x)
    same(imported("plain.npz", "--overwrite"), dict(sorted(x.items())))
    same(imported("packed.npz", "--overwrite", "--order", "name"),
         {name: x[name] for name in ("a.b", "m", "z")})


def told(*files, ranks=0):
    """What an import says on the way."""
    done = chiasm(*arguments(*files), ranks=ranks)
    succeeded(done)
    return done.stderr


def test_integers():
    """One-hot vectors and counts, in every kind of file."""
    empty_study()
    g = np.random.default_rng(1)
    x = {t.lstrip("<>|=").replace("b1", "bool"): g.integers(0, 2 if t == "|b1" else 100, (N, 3)).astype(t)
         for t in ("|b1", "|i1", "<i2", ">i4", "<i8", "|u1", ">u2", "<u4", "<u8")}
    x["i8"][0] = -2 ** 52, 2 ** 24 + 1, -1
    for name, numbers_of in x.items():
        np.save(f"{name}.npy", numbers_of)
    same(imported(*(f"{name}.npy" for name in x), "--order", "given"), x)
    np.savez("all.npz", **x)
    same(imported("all.npz", "--overwrite", "--order", "given"), x)
    with h5py.File("all.h5", "w", track_order=True) as f:
        for name, numbers_of in x.items():
            f[name] = numbers_of
    same(imported("all.h5:/", "--overwrite", "--order", "given"), x)
    np.save("long.npy", np.full((N, 2), 2 ** 53))
    refused(chiasm(*arguments("long.npy", "--overwrite")), "long.npy: 9.0072e+15 at row 0, column 0", "below 2^53")


def test_names():
    """Names of TensorFlow and Flax; what a Mac puts into an archive."""
    empty_study()
    x = {"block1/conv/kernel:0": numbers((N, 2), "f4"), "block1/dense:0": numbers((N, 3), "f4", 1)}
    dotted = {name.replace("/", ".").replace(":", "."): value for name, value in x.items()}
    np.savez("net.npz", **x)
    with zipfile.ZipFile("net.npz", "a") as archive:
        archive.writestr("__MACOSX/._block1.npy", b"no array")
        archive.writestr("folder/", b"")
    done = told("net.npz")
    same(layers(FILE), dotted)
    assert "left out: net.npz:__MACOSX/._block1.npy" in done and "names of 2 layers becomes a dot" in done, done
    with h5py.File("net.h5", "w") as f:
        for name, value in x.items():
            f[f"model/{name}"] = value
        f["model/words"] = ["a", "b"]
    done = told("net.h5:/model", "--overwrite")
    same(layers(FILE), dotted)
    assert "left out: net.h5:/model/words, which is" in done, done
    np.savez("same.npz", **{"a/b": x["block1/dense:0"], "a.b": x["block1/dense:0"]})
    refused(chiasm(*arguments("same.npz", "--overwrite")), "both are named a.b")


def test_xarray_group():
    """Dimension labels are no layers, whether they have values or not."""
    empty_study()
    x = {name: numbers((N, 3), "f4", i) for i, name in enumerate(("a", "b"))}
    data = xarray.Dataset({name: (("event", "unit"), value) for name, value in x.items()},
                          coords={"unit": ["x", "y", "z"]})
    data.to_netcdf("x.h5", group="acts", engine="h5netcdf")
    done = told("x.h5:/acts")
    same(layers(FILE), x)
    assert "left out: x.h5:/acts/event, the labels of a dimension" in done and "/acts/unit" in done, done


def matlab(path, arrays):
    """As MATLAB's save -v7.3: the dimensions the other way round, behind a head of 512 bytes."""
    with h5py.File(path, "w", userblock_size=512) as f:
        for name, x in arrays.items():
            f[name] = np.ascontiguousarray(x.T)
            f[name].attrs["MATLAB_class"] = np.bytes_("single")
        f["words"] = np.array([[104, 105]], np.uint16)
        f["words"].attrs["MATLAB_class"] = np.bytes_("char")
        f["#refs#/a"] = np.zeros(3)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))


def test_matlab():
    empty_study()
    x = {"net": numbers((N, 4), "f4"), "one": numbers((N, 1), "f4", 1), "square": numbers((N, N), "f4", 2)}
    matlab("acts.mat", x)
    refused(chiasm(*arguments("acts.mat")), "acts.mat: is an HDF5 file; say which dataset in it")
    refused(chiasm(*arguments("acts.mat:/")), "acts.mat:/square: both its first and its last dimension are 30 long",
            "--event-axis")
    for ranks in (0, 2):
        done = told("acts.mat:/", "--event-axis", "first", "--project", "none", "--overwrite", ranks=ranks)
        same(layers(FILE), x)
        assert "left out: acts.mat:/words, which is char" in done
    same(imported("acts.mat:/square", "--event-axis", "last", "--project", "none", "--overwrite"),
         {"square": np.ascontiguousarray(x["square"].T)})
    matlab("turned.mat", {"net": x["net"].T})  # features x events
    same(imported("turned.mat:/net", "--overwrite"), {"net": x["net"]})
    with h5py.File("turned.h5", "w") as f:
        f["net"] = x["net"].T
    same(imported("turned.h5:/net", "--event-axis", "last", "--overwrite"), {"net": x["net"]})
    np.save("net.npy", x["net"].T)
    refused(chiasm(*arguments("net.npy", "--event-axis", "last", "--overwrite")), "--event-axis last: net.npy is no dataset of HDF5")
    with open("old.mat", "wb") as f:
        f.write(b"MATLAB 5.0 MAT-file".ljust(512))
    refused(chiasm(*arguments("old.mat", "--overwrite")), "old.mat: is of an older MATLAB format", "-v7.3")


def test_hdf5():
    empty_study()
    x = {f"conv{i}": numbers((N, 2, 2, 2, 2)[:2 + i % 4], t, i)
         for i, t in ((10, "f2"), (2, ">f4"), (9, "f8"), (1, "<f4"))}
    with h5py.File("acts.h5", "w") as file:
        for name, values in x.items():
            file.create_dataset(f"net/deep/{name}", data=values, chunks=(7,) + values.shape[1:],
                                compression="gzip")
        ordered = file.create_group("ordered", track_order=True)
        for name, values in x.items():
            ordered[name] = values
        ordered["dim"] = np.arange(3.)
        ordered["dim"].make_scale("dim")
        file["alone"] = numbers((N, 3), "f4")
    natural = {name: x[name] for name in ("conv1", "conv2", "conv9", "conv10")}
    same(imported("acts.h5:/net/deep"), natural)
    same(imported("acts.h5:/net/deep/", "--overwrite", ranks=2), natural)
    same(imported("acts.h5:/ordered", "--overwrite"), natural)
    same(imported("acts.h5:/ordered", "--overwrite", "--order", "given"), x)
    same(imported("acts.h5:/net/deep", "--overwrite", "--order", "given"), natural)  # has no other
    same(imported("acts.h5:/net/deep/conv2", "acts.h5:/alone", "--overwrite"),
         {"alone": numbers((N, 3), "f4"), "conv2": x["conv2"]})
    with h5py.File("a:b.h5", "w") as file:
        file["x"] = numbers((N, 3), "f4")
    same(imported("a:b.h5:/", "--overwrite"), {"x": numbers((N, 3), "f4")})


def test_order():
    empty_study()
    names = ["l10", "l2.x", "l2", "L3", "l02", "l1"]
    files = [f"{name}.npy" for name in names]
    for i, file in enumerate(files):
        np.save(file, numbers((N, 2), "f4", i))
    assert list(imported(*files, "--order", "given")) == names
    assert list(imported(*files, "--overwrite", "--order", "name")) == sorted(names)
    for options in ((), ("--order", "natural")):
        natural = list(imported(*files, "--overwrite", *options))
        assert natural == ["L3", "l1", "l02", "l2", "l2.x", "l10"], natural
    np.save("layer_10.npy", numbers((N, 2), "f4"))
    np.savez("more.npz", layer_2=numbers((N, 3), "f4"))
    table = succeeded(chiasm(*arguments("layer_10.npy", "more.npz", "--overwrite"), ranks=2))
    assert [line.split() for line in table.splitlines()[-3:]] == [
        ["depth", "layer", "features", "from"], ["0", "layer_2", "3", "more.npz:layer_2.npy"],
        ["1", "layer_10", "2", "layer_10.npy"]], table


def test_header():
    empty_study()
    np.save("a.npy", numbers((N, 2), "f4"))
    imported("a.npy", "--network", "twins", training="random", modality="my own kind")
    with h5py.File(FILE) as file:
        assert dict(file.attrs) == {"chiasm_format": 1, "model": "net", "network": "twins",
                                    "modality": "my own kind", "training": "random"}
    with xarray.open_dataset(FILE, engine="h5netcdf", group="layers") as data:
        assert data["a"].dims == ("event", "feature_2")
    before = content(FILE)
    refused(chiasm(*arguments("a.npy")), FILE, "exists", "--overwrite")
    assert content(FILE) == before
    imported("a.npy", "--overwrite")
    with h5py.File(FILE) as file:
        assert file.attrs["network"] == "net"
    assert "error" not in succeeded(chiasm("check", "study"))


def test_study_yaml():
    """formats.md: a study sets options of every command."""
    empty_study()
    np.save("a.npy", numbers((N, 40), "f4"))
    with open("study/study.yaml", "w") as file:
        file.write("options: {seed: 7}\nimport features: {project: 8}\n")
    by_file = imported("a.npy")["a"]
    assert by_file.shape == (N, 8)
    os.remove("study/study.yaml")
    by_line = imported("a.npy", "--overwrite", "--project", 8, "--seed", 7)["a"]
    np.testing.assert_array_equal(by_file, by_line)


def test_blocks_and_ranks():
    """A layer of several blocks (64 MB of float64 each) is read whole, in order, by any ranks; in every
    layout, projected or not."""
    n, d = 40, 500_000
    empty_study(n=n)
    x = np.zeros((n, d), "f2")
    x[:, ::97] = numbers((n, len(x[0, ::97])), "f2")
    np.save("c.npy", x)
    np.save("f.npy", np.asfortranarray(x.reshape(n, 5000, 100)))
    np.savez_compressed("p.npz", p=x)
    same(imported("c.npy", "--project", "none", ranks=3), {"c": x})
    same(imported("f.npy", "p.npz", "--project", "none", "--overwrite"), {"f": x, "p": x})
    files = ("c.npy", "f.npy", "p.npz", "--project", 5, "--overwrite")
    imported(*files)
    expected = content(FILE)
    for ranks in (2, 3, 4):
        imported(*files, ranks=ranks)
        assert content(FILE) == expected, ranks


run_tests(dict(globals()))
