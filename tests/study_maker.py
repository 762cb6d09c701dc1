"""Small studies (formats.md) for tests, written as a user of plain h5py would: no dimension scales.

    from study_maker import make_study
    make_study("study", subjects=("s1", "s2"), n=80, models={"netA": {"conv1": 12, "conv2": 8}})

The numbers depend on seed and names alone, so that a test can make them again with `responses` and
`features`. A model's layers carry a weak trace of the responses: scores are not all noise.
"""
import os
import zlib

import h5py
import numpy as np


def rng(seed, *names):
    """A generator of its own for every named thing, so that adding one leaves the others alone."""
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, names)).encode())])


def time_axis(bins, first=-0.1, step=0.025):
    return first + step * np.arange(bins)


def latent(seed, subject, alignment, n, k=4):
    """What responses and features share: n x k, slowly varying."""
    x = rng(seed, "latent", subject, alignment).standard_normal((n, k))
    for i in range(1, n):
        x[i] += 0.5 * x[i - 1]
    return x


def responses(seed, subject, alignment, n, electrodes, bins):
    """n x electrodes x bins, float64."""
    g = rng(seed, "response", subject, alignment)
    weights = g.standard_normal((4, electrodes * bins))
    y = latent(seed, subject, alignment, n) @ weights + 2 * g.standard_normal((n, electrodes * bins))
    return y.reshape(n, electrodes, bins)


def features(seed, subject, alignment, model, layer, n, p):
    """n x p, float64."""
    g = rng(seed, "features", subject, alignment, model, layer)
    z = latent(seed, subject, alignment, n)
    return z @ g.standard_normal((z.shape[1], p)) + 2 * g.standard_normal((n, p))


def write_responses(path, subject, alignment, y, *, time=None, onset=None, session=None, names=None,
                    region=None, xyz=None, bin_width_s=0.2, dtype=None, attrs=None, **storage):
    """One response file. y: n x electrodes x bins. storage: chunks=, compression=, shuffle= of h5py."""
    n, electrodes, bins = y.shape
    with h5py.File(path, "w") as f:
        f.attrs.update(chiasm_format=1, subject=subject, alignment=alignment, **(attrs or {}))
        d = f.create_dataset("response", data=y.astype(dtype or y.dtype), **storage)
        d.attrs["units"] = "uV"
        f["electrode"] = names or [f"E{i:03d}" for i in range(electrodes)]
        f["time"] = time_axis(bins) if time is None else np.asarray(time, float)
        if bin_width_s is not None:
            f["time"].attrs["bin_width_s"] = float(bin_width_s)
        f["onset"] = 1.0 * np.arange(n) if onset is None else np.asarray(onset, float)
        if session is not None:
            f["session"] = np.asarray(session, np.int32)
        if region is not None:
            f["region"] = list(region)
        if xyz is not None:
            for name, column in zip("xyz", np.asarray(xyz, np.float32).T):
                f[name] = column
                f[name].attrs["space"] = "MNI152"


def write_features(path, model, layers, *, network=None, modality=None, training=None, depth=True,
                   dtype=None, **storage):
    """One feature file. layers: name -> n x p, in order of depth."""
    with h5py.File(path, "w") as f:
        f.attrs.update(chiasm_format=1, model=model)
        for key, value in (("network", network), ("modality", modality), ("training", training)):
            if value is not None:
                f.attrs[key] = value
        for i, (name, x) in enumerate(layers.items()):
            d = f.create_dataset(f"layers/{name}", data=x.astype(dtype or x.dtype), **storage)
            if depth:
                d.attrs["depth"] = i


def make_study(path, subjects=("s1",), alignments=("language",), n=60, electrodes=3, bins=4,
               models=None, seed=0, dtype=np.float32, feature_dtype=None, session=None, onset=None,
               region=None, xyz=None, attrs=None, edit_y=None, edit_x=None, yaml=None,
               random_twins=False, storage=None, feature_storage=None, modality="vision",
               bin_width_s=0.2, time=None):
    """A study that `chiasm check` accepts; gives its path back.

    models: model -> layer -> number of features; model names ending in "-random" are random twins.
    modality: one for all, or model -> modality.
    edit_y(subject, alignment, y) -> y and edit_x(subject, alignment, model, layer, x) -> x change the
    float64 numbers before they are written. storage: keywords of h5py's create_dataset.
    """
    models = {"netA": {"layer1": 10}} if models is None else models
    if random_twins:
        models = {**models, **{f"{m}-random": layers for m, layers in models.items()}}
    path = str(path)
    os.makedirs(os.path.join(path, "responses"), exist_ok=True)
    if yaml is not None:
        with open(os.path.join(path, "study.yaml"), "w") as f:
            f.write(yaml)
    for subject in subjects:
        for alignment in alignments:
            y = responses(seed, subject, alignment, n, electrodes, bins)
            y = edit_y(subject, alignment, y) if edit_y else y
            write_responses(os.path.join(path, "responses", f"{subject}.{alignment}.h5"), subject,
                            alignment, y, dtype=dtype, session=session, onset=onset, region=region,
                            xyz=xyz, attrs=attrs, bin_width_s=bin_width_s, time=time,
                            **(storage or {}))
            folder = os.path.join(path, "features", f"{subject}.{alignment}")
            os.makedirs(folder, exist_ok=True)
            for model, sizes in models.items():
                layers = {}
                for layer, p in sizes.items():
                    x = features(seed, subject, alignment, model, layer, n, p)
                    layers[layer] = edit_x(subject, alignment, model, layer, x) if edit_x else x
                write_features(os.path.join(folder, f"{model}.h5"), model, layers,
                               network=model.removesuffix("-random"),
                               modality=modality if isinstance(modality, str) else modality[model],
                               training="random" if model.endswith("-random") else "trained",
                               dtype=feature_dtype or dtype, **(feature_storage or {}))
    return path
