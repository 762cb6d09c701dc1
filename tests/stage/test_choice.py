"""Which layer of a model is bootstrapped at a site, how many events are drawn together, and the labels of
bootstrap.h5, against numpy and xarray."""
import os
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import xarray

from stage.boot import SUMMARIES, booted, fitted, read, refused, wrong_summaries
from stage.draws import auto_length, auto_terms
from stage.hard_study import walk
from reference.runs import strings
from study_maker import make_study, responses, rng, write_features, write_responses

MODELS = {"netA": {"l1": 5, "l2": 20, "l3": 7, "l4": 6}, "netB": {"deep": 4, "early": 30}, "netC": {"only": 3}}


# ---- layers

def make_layers(study):
    """netA: l3 is l2 again (a tie), l4 predicts nothing for s2; s2 has no netC; netB's first layer has a NaN for
    s1; the order of depth is not that of names. An electrode with a NaN has no score at all."""
    def edit_y(subject, alignment, y):
        y[7, 2, 1] = np.nan
        if subject == "s1":
            y[9, 1] = np.inf
        return y

    def edit_x(subject, alignment, model, layer, x):
        if layer == "l3":
            return rng_copy[subject, alignment]
        if layer == "l2":
            rng_copy[subject, alignment] = x
        if (subject, layer) == ("s2", "l4"):
            x[:] = 1.5
        if (subject, alignment, layer) == ("s1", "film", "deep"):
            x[3, 2] = np.nan
        return x

    rng_copy = {}
    make_study(study, subjects=("s1", "s2"), alignments=("film", "words"), n=60, electrodes=4, bins=3, models=MODELS,
               edit_y=edit_y, edit_x=edit_x, region=[f"region{i}" for i in range(4)],
               xyz=np.arange(12).reshape(4, 3), random_twins=False)
    os.remove(study / "features/s2.film/netC.h5")
    with h5py.File(study / "features/s2.words/netA.h5", "r+") as f:
        del f["layers/l4"]
    return study


def choose(fit, selection):
    """row label -> layer of every site ("": none), by a fit.h5's group."""
    val_r, done = fit["val_r"][...].astype(np.float64), fit["done"][...]
    model, layer, depth = (list(strings(fit[k])) if k != "depth" else fit[k][...] for k in ("model", "layer", "depth"))
    with np.errstate(invalid="ignore"):
        n = np.isfinite(val_r).sum(axis=2)
        mean = np.where(np.isfinite(val_r), val_r, 0).sum(axis=2) / n
    mean[(n == 0) | (done != 1)] = np.nan
    out = {}
    for name in sorted(set(model)):
        spaces = sorted((f for f in range(len(model)) if model[f] == name), key=lambda f: depth[f])
        if selection == "all":
            for f in spaces:
                out[f"{name}/{layer[f]}"] = [layer[f] if np.isfinite(m) else "" for m in mean[f]]
            continue
        out[name] = []
        for s in range(mean.shape[1]):
            usable = [f for f in spaces if np.isfinite(mean[f, s])]
            best = (max(usable, key=lambda f: mean[f, s]) if selection == "site" else usable[-1]) if usable else None
            out[name].append("" if best is None else layer[best])  # max: the first of equals
    return out


def check_selection(run, selection, kept=lambda model: True):
    with h5py.File(run / "fit.h5") as fit:
        for alignment in fit:
            expected = {k: v for k, v in choose(fit[alignment], selection).items() if kept(k)}
            data = read(run, alignment)
            rows = data["feature_space" if selection == "all" else "model"].tolist()
            assert rows == list(expected), (rows, list(expected))
            for row, layers in zip(data["layer"].tolist(), expected.values()):
                assert row == layers, (selection, alignment, row, layers)
            none = data["layer"] == ""
            assert none.any() and not none.all()
            assert (data["done"] == np.where(none, 0, 1)[..., None]).all()
            assert (data["summarised"] == ~none).all()
            assert np.isnan(data["val_r"][none]).all() and np.isnan(data["test_r_mean"][none]).all()
            assert np.isfinite(data["val_r"][~none]).any(axis=(1, 2)).all()
            assert not wrong_summaries(data)[0]


def check_layers(folder):
    study, run = make_layers(folder / "study"), folder / "all"
    fitted(study, run, "--allow-missing", code=1)  # the NaN
    for other in ("site", "final", "models"):
        shutil.copytree(run, folder / other)
    for selection, how in (("all", {}), ("site", {"ranks": 3}), ("final", {"ranks": 0})):
        out = booted(folder / selection, "--replicates", 4, "--layer-selection", selection, "--block", 2, **how)
        assert out.count("4 fits failed; their layers are left out there") == 1, out
        check_selection(folder / selection, selection)
    by_space, by_model = read(folder / "all", "words"), read(folder / "site", "words")
    spaces = by_space["feature_space"].tolist()
    for (i, s), layer in np.ndenumerate(by_model["layer"]):
        if layer:
            space = spaces.index(f"{by_model['model'][i]}/{layer}")
            for score in ("val_r", "test_r"):
                assert np.allclose(by_model[score][i, s], by_space[score][space, s], atol=4e-6, equal_nan=True)

    out = booted(folder / "models", "--replicates", 3, "--models", "netB,*C", "--block", 1)
    assert "netA" not in out, out
    check_selection(folder / "models", "site", lambda model: model != "netA")
    refused(folder / "site", "--overwrite", "--models", "netD*", text="no model fits --models netD*")
    check_labels(folder / "site", folder / "all")


def check_labels(run, run_all):
    """As a user would read them."""
    for alignment in ("film", "words"):
        with xarray.open_dataset(run / "bootstrap.h5", engine="h5netcdf", group=alignment) as data:
            assert data.val_r.dims == data.test_r.dims == ("model", "site", "replicate", "time")
            assert data.test_r.dtype == np.float32 and data.layer.dims == ("model", "site")
            for name in SUMMARIES:
                assert data[name].dims == ("model", "site", "time") and data[name].dtype == np.float32, name
            assert data.done.dims == data.checksum.dims == ("model", "site", "replicate_block")
            assert data.done.dtype == np.uint8 and data.checksum.dtype == np.uint64
            assert data.model.values.tolist() == ["netA", "netB", "netC"]
            assert data.site.values.tolist() == [f"{s}/E{e:03d}" for s in ("s1", "s2") for e in range(4)]
            assert data.replicate.values.tolist() == [0, 1, 2, 3] and data.replicate_block.size == 1
            assert data.time.attrs["units"] == "s" and abs(data.time.values[1] + 0.075) < 1e-12
            for name in ("subject", "electrode", "region", "x", "y", "z"):
                assert data[name].dims == ("site",), name
            assert data.region.values[5] == "region1" and data.x.values[2] == 6
            assert data.training.dims == data.modality.dims == data.network.dims == ("model",)
            assert data.attrs["block_length"].tolist() == [2, 2] and data.attrs["block_length"].dtype == np.int32
            one = data.test_r.sel(model="netB", site="s2/E001", replicate=2)
            with h5py.File(run / "bootstrap.h5") as f:
                assert (one.values == f[alignment]["test_r"][1, 5, 2]).all()
        with xarray.open_dataset(run_all / "bootstrap.h5", engine="h5netcdf", group=alignment) as data:
            assert data.val_r.dims == ("feature_space", "site", "replicate", "time")
            assert data.layer.dims == ("feature_space", "site") and data.model.dims == ("feature_space",)
            assert data.feature_space.values[4] == "netB/deep"
    with xarray.open_dataset(run / "bootstrap.h5", engine="h5netcdf") as root:
        assert root.attrs["seed"] == 0 and root.attrs["chiasm_format"] == 2 and "bootstrap:" in root.attrs["config"]


# ---- lengths

def lengths_cases():
    """Recording -> what is special about it, and which term decides: 0: n / 20, 1: n^(1/3), 2: window, 3: memory."""
    g = rng(3, "lengths")
    white, slow = g.standard_normal, lambda n, k: walk(g, n, k, 0.75)
    halves = np.repeat([0, 1], [90, 110])
    mixed_up = g.permutation(np.repeat([4, 2, 9], [80, 100, 120]))
    return {"cube": (white((200, 20)), 1.0, None, {}, 1),
            "cube2": (white((216, 20)), 1.0, halves.tolist() + [1] * 16, {}, 1),
            "few": (white((50, 20)), 1.0, None, {}, 0),
            "window": (white((200, 20)), 0.04, None, {}, 2),
            "dense": (white((200, 20)), 0.002, None, {}, 0),
            "memory": (slow(300, 20), 1.0, None, {}, 3),
            "memory-sessions": (slow(300, 20), 1.0, np.repeat([0, 1, 2], 100), {}, 3),
            "memory-mixed": (slow(300, 20), 1.0, mixed_up, {}, 3),
            "long": (walk(g, 300, 20, 0.99), 1.0, None, {}, 0),
            "shuffled": (walk(g, 300, 20, 0.99), 0.04, None, {"exchangeable": 1}, None),
            "not-shuffled": (slow(300, 20), 1.0, None, {"exchangeable": 0}, 3)}


def check_lengths(folder):
    study, run = folder / "study", folder / "run"
    for name in ("responses", "features"):
        (study / name).mkdir(parents=True)
    terms = {}
    time = -0.1 + 0.025 * np.arange(5)
    for subject, (y, step, session, attributes, decides) in lengths_cases().items():
        n = len(y)
        session = np.zeros(n, int) if session is None else np.asarray(session)
        if subject.startswith("memory-mixed"):  # slow within each session
            slow, at = y.copy(), 0
            for s in np.unique(session):
                own = np.flatnonzero(session == s)
                y[own] = slow[at:at + len(own)]
                at += len(own)
        onset = np.empty(n)
        for s in np.unique(session):
            onset[session == s] = step * np.arange((session == s).sum())
        y[:, 3] = 2.5            # neither a constant
        y[:, 7] += 1e3
        y[n // 2, 8] = np.nan    # nor a NaN counts
        write_responses(study / f"responses/{subject}.film.h5", subject, "film", y.reshape(n, 4, 5), time=time,
                        onset=onset, session=session, attrs=attributes, dtype=np.float32)
        (study / f"features/{subject}.film").mkdir()
        write_features(study / f"features/{subject}.film/net.h5", "net", {"a": rng(3, subject).standard_normal((n, 2))},
                       modality="vision", training="trained")
        terms[subject] = (attributes.get("exchangeable") == 1, decides,
                          auto_terms(y.astype(np.float32).astype(float), session, onset, time, 0.2))
    fitted(study, run)
    booted(run, "--replicates", 2, ranks=3)
    data = read(run)
    found = dict(zip(dict.fromkeys(data["subject"].tolist()), data["block_length"].tolist()))
    for subject, (exchangeable, decides, four) in terms.items():
        expected = auto_length(exchangeable, *four)
        assert found[subject] == expected, (subject, found[subject], expected, four)
        if decides is not None:  # else the case shows nothing
            most = four[0] if decides > 0 else np.inf
            without = [t for i, t in enumerate(four) if i not in (0, decides)]
            assert auto_length(False, min(most, 1e9), *without) != expected, (subject, expected, four)
    print("lengths:", found)


def main():
    with tempfile.TemporaryDirectory() as top:
        for check in (check_layers, check_lengths):
            (Path(top) / check.__name__).mkdir()
            check(Path(top) / check.__name__)
            print("passed", check.__name__, flush=True)


if __name__ == "__main__":
    sys.exit(main())
