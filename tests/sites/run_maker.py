"""Fake runs, fitted and bootstrapped (formats.md), for tests of what comes after: made-up scores of
made-up models, written by plain h5py.

    from run_maker import MODELS, make_run
    make_run("run", models=MODELS, alignments={"language": 2, "vision": 2}, seed=1)

A model's scores at a site lie around a bump over time of a height that depends on model, site and
alignment; replicates scatter around that. Numbers depend on seed and names alone.
"""
import os
import zlib

import h5py
import numpy as np

from checksums import seal

TEXT = h5py.string_dtype("utf-8")
CONFIG = ('fit:\n  alphas: [0.1, 1, 10]\n  subjects: "*"\n  alignments: "*"\n  models: "*"\n'
          '  layers: "*"\n')
CHECKSUM = "0123456789abcdef"

# name -> network, modality, training, height of the bump, layers
MODELS = {
    "blip": ("blip", "multimodal", "trained", 0.16, ("l1", "l2")),
    "blip-random": ("blip", "multimodal", "random", 0.01, ("l1", "l2")),
    "slip": ("slip", "multimodal", "trained", 0.14, ("a", "b", "c")),
    "slip-random": ("slip", "multimodal", "random", 0.0, ("a", "b", "c")),
    "beit": ("beit", "vision", "trained", 0.09, ("l1", "l2")),
    "beit-random": ("beit", "vision", "random", 0.01, ("l1", "l2")),
    "sbert": ("sbert", "language", "trained", 0.1, ("l1",)),
    "concat": ("concat", "linear", "trained", 0.1, ("l1", "l2")),
    "concat-random": ("concat", "linear", "random", 0.01, ("l1", "l2")),
    "mfcc": ("mfcc", "acoustic", "trained", 0.06, ("l1",)),
}


def rng(seed, *names):
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, names)).encode())])


class Alignment:
    """The scores of one alignment: arrays by feature space, site (, replicate), bin."""

    def __init__(self, name, models, subjects, electrodes, bins, replicates, seed, missing):
        self.name = name
        self.spaces = [(m, layer, depth) for m in sorted(models)
                       for depth, layer in enumerate(models[m][4])]
        self.sites = [(s, f"E{i},{i}" if i == 1 else f"E{i}") for s in subjects
                      for i in range(electrodes)]
        f, s = len(self.spaces), len(self.sites)
        self.val_r = np.full((f, s, bins), np.nan)
        self.test_r = self.val_r.copy()
        self.val = np.full((f, s, replicates, bins), np.nan, np.float32)
        self.test = self.val.copy()
        self.present = np.array([[(m, site[0]) not in missing for site in self.sites]
                                 for m, _, _ in self.spaces])
        time = np.arange(bins)
        for i, (model, layer, depth) in enumerate(self.spaces):
            for j, (subject, electrode) in enumerate(self.sites):
                if not self.present[i, j]:
                    continue
                g = rng(seed, name, model, layer, subject, electrode)
                site = rng(seed, name, subject, electrode)
                responds = site.random() < 0.75
                center, kind = site.random() * bins, site.random()
                height = models[model][3] * responds * (1 + 0.3 * g.standard_normal())
                if kind < 0.4:  # a site where all networks do as well
                    height = 0.1 * responds * (models[model][2] == "trained")
                bump = height * np.exp(-(((time - center) / (0.25 * bins)) ** 2))
                noise = g.standard_normal((2, replicates, 1)) * 0.012
                fine = g.standard_normal((2, replicates, bins)) * 0.02
                self.val[i, j] = bump + noise[0] + fine[0]
                self.test[i, j] = bump + noise[1] + fine[1]
                self.val_r[i, j] = bump + 0.01 * g.standard_normal(bins)
                self.test_r[i, j] = bump + 0.01 * g.standard_normal(bins)
                self.spoil(g, i, j)

    def spoil(self, g, i, j):
        """Undefined scores, here and there: of bins, of single replicates, of many."""
        bins, replicates = self.val_r.shape[2], self.val.shape[2]
        if g.random() < 0.2:
            b = g.integers(bins)
            self.val_r[i, j, b] = self.test_r[i, j, b] = np.nan
        if g.random() < 0.3:
            for _ in range(3):
                r, b = g.integers(replicates), g.integers(bins)
                self.val[i, j, r, b] = self.test[i, j, r, b] = np.nan
        if g.random() < 0.1:
            self.test[i, j, :max(2, replicates // 8)] = np.nan


def summary(replicates):
    """Mean and 95 % interval over the finite replicates (axis 2); NaN if over 5 % are missing."""
    x = np.sort(replicates.astype(float), axis=2)  # NaN last
    n = np.isfinite(x).sum(2, keepdims=True)
    out = [np.where(np.isfinite(x), x, 0).sum(2) / np.maximum(n[:, :, 0], 1)]
    for q in (0.025, 0.975):
        at = q * np.maximum(n - 1, 0)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, np.maximum(n - 1, 0))
        a, b = np.take_along_axis(x, low, 2), np.take_along_axis(x, high, 2)
        out.append((a + (at - low) * (b - a))[:, :, 0])
    missing = x.shape[2] - n[:, :, 0] > 0.05 * x.shape[2]
    return [np.where(missing, np.nan, y).astype(np.float32) for y in out]


def label(group, dim, values):
    """The labels of a dimension."""
    data = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    if data.dtype == object:
        group.create_dataset(dim, data=data, dtype=TEXT)
    else:
        group[dim] = data
    group[dim].make_scale(dim)


def put(group, name, data, *dims):
    if isinstance(data, list):
        group.create_dataset(name, data=np.array(data, dtype=object), dtype=TEXT)
    else:
        group[name] = data
    for i, dim in enumerate(dims):
        group[name].dims[i].attach_scale(group[dim])


def write_sites(g, a, regions):
    label(g, "site", [f"{s}/{e}" for s, e in a.sites])
    put(g, "subject", [s for s, _ in a.sites], "site")
    put(g, "electrode", [e for _, e in a.sites], "site")
    put(g, "region", [regions[i % len(regions)] for i in range(len(a.sites))], "site")
    for k, name in enumerate("xyz"):
        put(g, name, (10.5 * k + np.arange(len(a.sites), dtype=np.float32)) / 3, "site")


def write_root(f, study, checksum=CHECKSUM, config=CONFIG):
    f.attrs["chiasm_format"] = np.int32(2)
    f.attrs["config"] = config
    f.attrs["study"] = str(study)
    f.attrs["study_checksum"] = checksum
    f.attrs["run_blas_kernel"] = "Haswell"


def write_fit(path, alignments, models, study, regions, config):
    with h5py.File(path, "w") as f:
        write_root(f, study, config=config)
        for a in alignments:
            g = f.create_group(a.name)
            label(g, "feature_space", [f"{m}/{layer}" for m, layer, _ in a.spaces])
            for k, name in enumerate(("network", "modality", "training")):
                put(g, name, [models[m][k] for m, _, _ in a.spaces], "feature_space")
            put(g, "model", [m for m, _, _ in a.spaces], "feature_space")
            put(g, "layer", [layer for _, layer, _ in a.spaces], "feature_space")
            put(g, "depth", np.array([d for _, _, d in a.spaces], np.int32), "feature_space")
            write_sites(g, a, regions)
            bins = a.val_r.shape[2]
            label(g, "time", -0.5 + 0.025 * np.arange(bins))
            subjects = list(dict.fromkeys(s for s, _ in a.sites))
            label(g, "subject_index", np.arange(len(subjects), dtype=np.int32))
            first = [[s for s, _ in a.sites].index(x) for x in subjects]
            put(g, "n_features", (8 * a.present[:, first]).astype(np.int32), "feature_space",
                "subject_index")
            for name in ("val_r", "test_r"):
                put(g, name, getattr(a, name).astype(np.float32), "feature_space", "site", "time")
            put(g, "alpha", np.where(np.isnan(a.val_r), np.nan, 1).astype(np.float32),
                "feature_space", "site", "time")
            put(g, "done", a.present.astype(np.uint8), "feature_space", "site")
            put(g, "checksum", np.zeros(a.present.shape, np.uint64), "feature_space", "site")


def write_bootstrap(path, alignments, models, study, keep, by_space, only):
    with h5py.File(path, "w") as f:
        write_root(f, study)
        f.attrs["seed"] = np.int64(0)
        for a in alignments:
            write_bootstrap_group(f.create_group(a.name), a, models, keep, by_space, only)


def influences(a, space, scores):
    """Of every block of events on val_r or test_r: replicates' scatter, as narrow as their mean's. The last subject has
    fewer blocks than the others, if there are several."""
    subjects = [s for s, _ in a.sites]
    own = {s: scores.shape[2] for s in subjects}
    if len(own) > 1:
        own[subjects[-1]] -= 9
    out = np.full((*space.shape, *scores.shape[2:]), np.nan, np.float32)
    for i, j in np.argwhere(space >= 0):
        x = scores[space[i, j], j, :own[subjects[j]]].astype(float)
        out[i, j, :len(x)] = (x - np.nanmean(x, axis=0)) / np.sqrt(len(x))
    return out, np.array(list(own.values()), np.int32)


def write_influence(path, alignments, models, study, by_space, only):
    with h5py.File(path, "w") as f:
        write_root(f, study)
        for a in alignments:
            g = f.create_group(a.name)
            space, names, first = chosen_rows(g, a, models, by_space, only)
            write_sites(g, a, ["x"])
            label(g, "block", np.arange(a.val.shape[2], dtype=np.int32))
            label(g, "time", -0.5 + 0.025 * np.arange(a.val.shape[3]))
            val, own = influences(a, space, a.val)
            label(g, "subject_index", np.arange(len(own), dtype=np.int32))
            put(g, "n_blocks", own, "subject_index")
            put(g, "block_length", np.full(len(own), 7, np.int32), "subject_index")
            g.create_dataset("layer", data=layers_of(a, space), dtype=TEXT)
            put(g, "done", (space >= 0).astype(np.uint8), first, "site")
            put(g, "checksum", np.zeros(space.shape, np.uint64), first, "site")
            for name, x in (("val_r", val), ("test_r", influences(a, space, a.test)[0])):
                put(g, name, x, first, "site", "block", "time")


def layers_of(a, space):
    layer = np.full(space.shape, "", dtype=object)
    for i, j in np.argwhere(space >= 0):
        layer[i, j] = a.spaces[space[i, j]][1]
    return layer


def chosen_rows(g, a, models, by_space, only):
    """The labels of rows. The space of every row and site, -1: none; the rows' models; what they are."""
    n_sites = len(a.sites)
    chosen = chosen_spaces(a, models, only)
    if by_space:
        names = [m for m, _, _ in a.spaces if m in chosen]
        space = np.array([[i if a.present[i, j] else -1 for j in range(n_sites)]
                          for i, (m, _, _) in enumerate(a.spaces) if m in chosen])
    else:
        names = list(chosen)
        space = np.array([chosen[m] for m in names])
    first = "feature_space" if by_space else "model"
    if by_space:
        label(g, first, [f"{m}/{x}" for m, x, _ in a.spaces if m in chosen])
        put(g, "model", names, first)
    else:
        label(g, first, names)
    for k, name in enumerate(("network", "modality", "training")):
        put(g, name, [models[m][k] for m in names], first)
    return space, names, first


def chosen_spaces(a, models, only):
    """Of every model and site the space with the best val_r of the fit: {model: [space or -1]}."""
    out = {}
    for model in sorted(set(m for m, _, _ in a.spaces)):
        if only is not None and model not in only:
            continue
        rows = [i for i, (m, _, _) in enumerate(a.spaces) if m == model]
        out[model] = []
        for j in range(len(a.sites)):
            x = a.val_r[rows, j].astype(np.float32).astype(float)
            means = [one[np.isfinite(one)].mean() if np.isfinite(one).any()
                     else -np.inf if not a.present[i, j] else -9 for i, one in zip(rows, x)]
            out[model].append(rows[int(np.argmax(means))] if max(means) > -np.inf else -1)
    return out


def write_bootstrap_group(g, a, models, keep, by_space, only):
    replicates, bins = a.val.shape[2], a.val.shape[3]
    space, names, first = chosen_rows(g, a, models, by_space, only)
    shape = (len(names), len(a.sites), replicates, bins)
    val = np.full(shape, np.nan, np.float32)
    test = val.copy()
    layer = layers_of(a, space)
    for i, j in np.argwhere(space >= 0):
        val[i, j], test[i, j] = a.val[space[i, j], j], a.test[space[i, j], j]
    write_sites(g, a, ["x"])
    label(g, "replicate", np.arange(replicates, dtype=np.int32))
    label(g, "time", -0.5 + 0.025 * np.arange(bins))
    blocks = -(-replicates // 50)
    label(g, "replicate_block", np.arange(blocks, dtype=np.int32))
    g.attrs["block_length"] = np.full(len(set(s for s, _ in a.sites)), 7, np.int32)
    g.create_dataset("layer", data=layer, dtype=TEXT)
    done = np.repeat((space >= 0)[:, :, None], blocks, 2).astype(np.uint8)
    put(g, "done", done, first, "site", "replicate_block")
    put(g, "checksum", np.zeros(done.shape, np.uint64), first, "site", "replicate_block")
    put(g, "summarised", (space >= 0).astype(np.uint8), first, "site")
    put(g, "summary_checksum", np.zeros(space.shape, np.uint64), first, "site")
    for name, x in (("val_r", val), ("test_r", test)):
        for part, values in zip(("mean", "lower", "upper"), summary(x)):
            put(g, f"{name}_{part}", values, first, "site", "time")
        if keep:
            put(g, name, x, first, "site", "replicate", "time")
    if not keep:
        kept = (g["val_r_lower"][()] > 0).any(0)
        entries = [(i, j, b) for i in range(len(names)) for j, b in np.argwhere(kept)]
        index = np.array(entries, np.int32).reshape(-1, 3)
        label(g, "entry", np.arange(len(entries), dtype=np.int32))
        for name, x in (("kept_val_r", val), ("kept_test_r", test)):
            scores = np.array([x[i, j, :, b] for i, j, b in entries], np.float32)
            put(g, name, scores.reshape(-1, replicates), "entry", "replicate")
        put(g, "kept_checksum", np.zeros(len(entries), np.uint64), "entry")
        for k, name in enumerate(("kept_row", "kept_site", "kept_time")):
            put(g, name, np.ascontiguousarray(index[:, k]), "entry")


def make_run(path, models=None, alignments=None, electrodes=6, bins=14, replicates=60, seed=0,
             keep=True, by_space=False, only=None, yaml=None, truth=None, edit=None,
             missing=(("beit", "s1"),), left_out=None, regions=("temporal, superior", "", 'the "pole"'),
             config=CONFIG, files=("bootstrap.h5",)):
    """A run in folder `path` and beside it PATH-study with study.yaml and truth.csv as given.

    alignments: name -> number of subjects. only: the models that are bootstrapped. files: beside fit.h5.
    missing: (model, subject) pairs. left_out: alignment -> models that it lacks. edit(alignment) may change an Alignment's scores."""
    path = str(path)
    models = MODELS if models is None else models
    study = os.path.abspath(path) + "-study"
    os.makedirs(path)
    os.makedirs(study)
    for name, text in (("study.yaml", yaml), ("truth.csv", truth)):
        if text is not None:
            with open(os.path.join(study, name), "w") as f:
                f.write(text)
    made = []
    for name, n in (alignments or {"language": 2, "vision": 2}).items():
        there = {m: x for m, x in models.items() if m not in (left_out or {}).get(name, ())}
        a = Alignment(name, there, [f"s{i + 1}" for i in range(n)], electrodes, bins, replicates,
                      seed, set(missing))
        if edit:
            edit(a)
        made.append(a)
    write_fit(os.path.join(path, "fit.h5"), made, models, study, regions, config)
    if "bootstrap.h5" in files:
        write_bootstrap(os.path.join(path, "bootstrap.h5"), made, models, study, keep, by_space, only)
    if "influence.h5" in files:
        write_influence(os.path.join(path, "influence.h5"), made, models, study, by_space, only)
    for name in ("fit.h5", *files):
        seal(os.path.join(path, name))
    with open(os.path.join(path, "config.yaml"), "w") as f:
        f.write(config)
    return path
