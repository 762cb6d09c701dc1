"""fit.h5 as users read it: labelled arrays in xarray, the same for every number of ranks."""
import h5py
import numpy as np
import xarray

from compare_runs import differences
from driver import main, ok


def scores(alignment, sites, times=7):
    k = np.arange(4 * sites * times).reshape(4, sites, times)
    val = np.sin((k + alignment).astype("f4"))
    val[k % 11 == 0] = np.nan
    return val, np.cos(k.astype("f4")), (k % 7).astype("f4")


def test_xarray(folder):
    ok(2, "new", folder / "run")
    dims = {"val_r": ("feature_space", "site", "time"), "done": ("feature_space", "site"),
            "checksum": ("feature_space", "site"), "n_features": ("feature_space", "subject_index")}
    for name in ("test_r", "alpha"):
        dims[name] = dims["val_r"]
    for name in ("model", "network", "modality", "training", "layer", "depth"):
        dims[name] = ("feature_space",)
    for name in ("subject", "electrode", "region", "x", "y", "z"):
        dims[name] = ("site",)
    for alignment, (group, sites) in enumerate((("language", 5), ("vision", 2))):
        with xarray.open_dataset(folder / "run/fit.h5", engine="h5netcdf", group=group) as data:
            assert set(data.variables) == set(dims) | {"feature_space", "site", "time", "subject_index"}, data
            assert {name: data[name].dims for name in dims} == dims
            assert set(data.coords) == {"feature_space", "site", "time", "subject_index"}
            for name, values in zip(("val_r", "test_r", "alpha"), scores(alignment, sites)):
                assert data[name].dtype == np.float32
                assert np.allclose(data[name], values, atol=1e-6, equal_nan=True), name
            assert (data.done == 1).all() and data.done.dtype == np.uint8 and data.checksum.dtype == np.uint64
            assert list(data.feature_space.values) == ["blind/l1", "blind/l2", "slip-combo/blocké",
                                                       "slip-combo/final"]
            one = data.val_r.sel(feature_space="slip-combo/blocké", site="s2/e1")
            assert np.allclose(one.time, np.arange(7) * 0.25 - 1) and data.time.attrs["units"] == "s"
            assert list(data.training.values) == ["random"] * 2 + ["trained"] * 2
            assert data.depth.values.tolist() == [0, 1, 0, 1] and data.depth.dtype == np.int32
            assert data.x.attrs == {"units": "mm", "space": "MNI152"} and np.isnan(data.z).all()
    with xarray.open_dataset(folder / "run/fit.h5", engine="h5netcdf", group="language") as data:
        assert list(data.site.values) == ["s1/e0", "s1/e1", "s1/e2", "s2/e0", "s2/e1"]
        assert list(data.subject.values) == ["s1"] * 3 + ["s2"] * 2
        assert list(data.region.values) == ["", "superiortemporal", "", "", "superiortemporal"]
        assert data.n_features.values.tolist() == [[8, 8], [8, 8], [16, 0], [4, 4]]


def test_file(folder):
    ok(3, "new", folder / "run")
    with h5py.File(folder / "run/fit.h5") as file:
        assert file.id.get_create_plist().get_version()[0] == 0  # of the superblock: no mark of being open
        strings = {"config", "study", "study_checksum", "run_version", "run_git_revision", "run_created",
                   "run_blas_kernel", "run_libraries", "run_host"}
        assert set(file.attrs) == strings | {"chiasm_format", "run_mpi_ranks", "run_threads_per_rank"}
        assert all(isinstance(file.attrs[name], str) for name in strings)
        assert file.attrs["chiasm_format"] == 2 and file.attrs["run_mpi_ranks"] == 3
        assert file.attrs["config"] == (folder / "run/config.yaml").read_text()
        for name in ("val_r", "test_r", "alpha", "checksum", "done"):
            assert file["vision"][name].chunks is None and file["vision"][name].id.get_offset() is not None
        assert h5py.check_string_dtype(file["vision/site"].dtype) == ("utf-8", None)
    assert sorted(p.name for p in (folder / "run").iterdir()) == ["config.yaml", "fit.h5", "lock", "log.txt"]


def test_rank_count(folder):
    for ranks in (1, 2, 3, 4):
        ok(ranks, "new", folder / str(ranks), "scale=3")
        assert differences(folder / "1/fit.h5", folder / f"{ranks}/fit.h5") == []


def test_comparer(folder):
    """It must see what it is there to see."""
    ok(1, "new", folder / "a")
    ok(1, "new", folder / "b")
    a, b = folder / "a/fit.h5", folder / "b/fit.h5"
    for change in (lambda f: f["vision/val_r"].__setitem__((1, 1, 1), 9), lambda f: f.attrs.__setitem__("study", "x"),
                   lambda f: f["language/x"].attrs.__setitem__("units", "cm"), lambda f: f.__delitem__("vision/z"),
                   lambda f: f["language/region"].__setitem__(0, "other")):
        original = b.read_bytes()
        with h5py.File(b, "r+") as file:
            change(file)
        assert len(differences(a, b)) == 1, differences(a, b)
        b.write_bytes(original)
    with h5py.File(b, "r+") as file:
        file.attrs["run_host"] = "elsewhere"
    assert differences(a, b) == []


main([test_xarray, test_file, test_rank_count, test_comparer])
