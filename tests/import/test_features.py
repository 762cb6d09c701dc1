"""import features: what arrives in the study is what NumPy reads in the files."""
import os

import h5py
import numpy as np
import xarray

from program import chiasm, refused, run_tests, succeeded
from imports import N, arguments, content, empty_study, imported, same

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
