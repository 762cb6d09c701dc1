"""The checksums of results files, calculated anew: for tests that make such files or change them so
that only a comparison of contents can tell. Written from the words of content.h, store.h and sites_columns.h."""
import ctypes
import ctypes.util

import h5py
import numpy as np

LIBRARY = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
LIBRARY.XXH3_64bits.restype = ctypes.c_uint64
LIBRARY.XXH3_64bits.argtypes = (ctypes.c_char_p, ctypes.c_size_t)

SITES = ("site", "subject", "electrode", "region", "x", "y", "z")
MODELS = ("feature_space", "model", "network", "modality", "training")
LABELS = {
    "fit": (*MODELS, "layer", "depth", *SITES, "time", "subject_index", "n_features"),
    "bootstrap": (*MODELS, *SITES, "replicate", "replicate_block", "time", "layer", "entry", "kept_row", "kept_site",
                  "kept_time"),
    "influence": (*MODELS, *SITES, "block", "subject_index", "time", "layer", "n_blocks", "block_length")}
SUMMARIES = [f"{half}_r_{part}" for half in ("val", "test") for part in ("mean", "lower", "upper")]


def xxh3(*parts):
    data = b"".join(parts)
    return LIBRARY.XXH3_64bits(data, len(data))


def text(*values):
    return b"".join((v if isinstance(v, bytes) else v.encode()) + b"\0" for v in values)


def values(dataset):
    """The bytes of a dataset as the checksums take them."""
    data = dataset[()]
    return text(*data.ravel()) if data.dtype == object else data.tobytes()


def seal_labels(f, group, names):
    parts = [text(f.attrs["config"], f.attrs["study_checksum"], group.name[1:])]
    parts += [group.attrs["block_length"].tobytes()] if "block_length" in group.attrs else []
    parts += [text(name) + values(group[name]) for name in names if name in group]
    group.attrs["labels_checksum"] = f"{xxh3(*parts):016x}"


def seal_cells(group, checksum, names, block=None):
    """Of every cell: the first two dimensions, or also blocks of the third."""
    sums = np.zeros(group[checksum].shape, np.uint64)
    data = [group[name][()] for name in names]
    for at in np.ndindex(sums.shape):
        part = at[:2] + (slice(at[2] * block, (at[2] + 1) * block),) if block else at
        sums[at] = xxh3(*(x[part].tobytes() for x in data))
    group[checksum][...] = sums


def seal(path):
    """Give all of a results file the checksums that fit what it holds."""
    with h5py.File(path, "r+") as f:
        for group in f.values():
            kind = "fit" if "n_features" in group else "influence" if "n_blocks" in group else "bootstrap"
            seal_labels(f, group, LABELS[kind])
            if kind != "bootstrap":
                seal_cells(group, "checksum", ("val_r", "test_r", *(["alpha"] if kind == "fit" else [])))
                continue
            seal_cells(group, "summary_checksum", SUMMARIES)
            if "val_r" in group:
                seal_cells(group, "checksum", ("val_r", "test_r"), 50)
            if "kept_val_r" in group:
                seal_cells(group, "kept_checksum", ("kept_val_r", "kept_test_r"))
