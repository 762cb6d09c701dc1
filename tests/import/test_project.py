"""The sparse random projection of import features, against the documented generator run by NumPy, what
probability says of its entries, scikit-learn, and the scores of a fit."""
import json
import os
import shutil
import subprocess

import h5py
import numpy as np
from scipy import stats
from sklearn.random_projection import johnson_lindenstrauss_min_dim

from imports import arguments, content, empty_study, imported, layers
from limits import limit
from program import CHIASM, chiasm, refused, run_tests, succeeded

FILE = "study/features/s1.language/net.h5"


def fnv1a(text):
    value = 14695981039346656037
    for byte in text.encode():
        value = (value ^ byte) * 1099511628211 % 2 ** 64
    return value


def row_words(seed, stream, k, n):
    """The first n words of row k; NumPy's generator counts before it makes a block."""
    counter = ((k << 64) - 1) % 2 ** 256
    bits = np.random.Philox(key=np.array([seed, fnv1a(stream)], np.uint64),
                            counter=np.array([counter >> 64 * i & 2 ** 64 - 1 for i in range(4)],
                                             np.uint64))
    return bits.random_raw(n)


def rebuilt_matrix(seed, stream, d, n_components):
    """projection.h, in NumPy: n_components x d."""
    s = 1 / np.sqrt(d)
    matrix = np.zeros((n_components, d))
    for k in range(n_components):
        words = row_words(seed, stream, k, int(d * s + 20 * np.sqrt(d * s) + 50))
        u = ((words >> np.uint64(11)).astype(float) + 1) * 2.0 ** -53
        with np.errstate(divide="ignore"):
            j = np.cumsum(1 + np.floor(np.log(u) / np.log1p(-s))) - 1
        assert j[-1] >= d
        sign = np.where(words & np.uint64(1), -1, 1)
        matrix[k, j[j < d].astype(int)] = sign[j < d] * np.sqrt(1 / (s * n_components))
    return matrix


def random_rows(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def test_against_the_generator():
    empty_study(n=37)
    for d, k, seed in ((20_001, 100, 0), (8192, 33, 10 ** 15), (1, 5, 3), (2, 3, 4), (40, 50, 5)):
        x = random_rows(37, d)
        np.save("conv.npy", x)
        got = imported("conv.npy", "--project", k, "--seed", seed, "--always", "--overwrite")["conv"]
        assert got.shape == (37, k)
        expected = x.astype(float) @ rebuilt_matrix(seed, "net/conv", d, k).T
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


def test_same_for_subjects_other_for_layers():
    empty_study(n=10, subjects=("s1", "s2"))
    for name in "ab":
        np.save(f"{name}.npy", random_rows(10, 500))
    first = imported("a.npy", "b.npy", "--project", 20)
    second = imported("a.npy", "b.npy", "--project", 20, subject="s2")
    np.testing.assert_array_equal(first["a"], second["a"])
    assert not np.array_equal(first["a"], first["b"])
    assert not np.array_equal(first["a"], imported("a.npy", "--project", 20, model="net2")["a"])
    other = imported("a.npy", "--project", 20, "--seed", 1, "--overwrite")
    assert not np.array_equal(first["a"], other["a"])


def test_distribution_of_entries():
    """The identity's projection is the matrix."""
    d, k = 2500, 900
    empty_study(n=d)
    np.save("eye.npy", np.eye(d, dtype="f2"))
    matrix = imported("eye.npy", "--project", k)["eye"].T
    s = 1 / 50
    there = matrix != 0
    np.testing.assert_allclose(np.abs(matrix[there]), np.sqrt(1 / (s * k)), rtol=1e-6)
    n = there.sum()
    assert stats.binomtest(int(n), d * k, s).pvalue > 1e-3
    assert stats.binomtest(int((matrix > 0).sum()), int(n), 0.5).pvalue > 1e-3
    for axis, size in ((0, k), (1, d)):  # how many in each column and row
        counts = there.sum(axis=axis)
        chi2 = ((counts - size * s) ** 2 / (size * s * (1 - s))).sum()
        assert 1e-3 < stats.chi2.cdf(chi2, len(counts)) < 1 - 1e-3
    # neighbours know nothing of each other
    pairs = int((there[:, 1:] & there[:, :-1]).sum())
    assert stats.binomtest(pairs, k * (d - 1), s * s).pvalue > 1e-3
    signs = np.sign(matrix[there])
    assert stats.binomtest(int((signs[1:] == signs[:-1]).sum()), len(signs) - 1, 0.5).pvalue > 1e-3


def test_norms_are_kept():
    """Johnson and Lindenstrauss: all distances within eps; on average, not off at all."""
    n, d, eps = 60, 20_000, 0.2
    empty_study(n=n)
    x = random_rows(n, d) * np.logspace(0, -3, d, dtype=np.float32)
    np.save("x.npy", x)
    y = imported("x.npy", "--eps", eps)["x"].astype(float)
    assert y.shape[1] == johnson_lindenstrauss_min_dim(n, eps=eps) < d
    pairs = np.triu_indices(n, 1)
    ratio = (((y[:, None] - y) ** 2).sum(-1)[pairs] /
             ((x[:, None].astype(float) - x) ** 2).sum(-1)[pairs])
    assert 1 - eps < ratio.min() and ratio.max() < 1 + eps, (ratio.min(), ratio.max())
    norms = (y ** 2).sum(1) / (x.astype(float) ** 2).sum(1)
    error = norms.std(ddof=1) / np.sqrt(n)
    assert abs(norms.mean() - 1) < 4 * error and error < 0.02, (norms.mean(), error)


def test_dimension_is_scikit_learns():
    for n, eps in ((2, 0.1), (3, 0.999), (100, 0.3), (800, 0.1), (6070, 0.1), (10_000, 0.05)):
        done = json.loads(succeeded(chiasm("bench", "project", "--json", "--features", 1, "--events", n,
                                           "--eps", eps)))
        assert done["components"] == johnson_lindenstrauss_min_dim(n, eps=eps), (n, eps, done)


def test_which_layers_are_projected():
    n = 12
    k = johnson_lindenstrauss_min_dim(n, eps=0.5)
    empty_study(n=n)
    for name, d in (("wide", k + 1), ("even", k), ("pooled", 3)):
        np.save(f"{name}.npy", random_rows(n, d))
    files = ("wide.npy", "even.npy", "pooled.npy", "--order", "given", "--overwrite", "--eps", 0.5)

    def widths(*options):
        return [x.shape[1] for x in imported(*files, *options).values()]

    assert widths() == [k, k, 3]
    np.testing.assert_array_equal(layers(FILE)["even"], random_rows(n, k))
    assert widths("--always") == [k, k, k]
    assert not np.array_equal(layers(FILE)["even"], random_rows(n, k))
    assert widths("--always", "--keep", "poo*,other") == [k, k, 3]
    assert widths("--project", "none") == [k + 1, k, 3]
    assert widths("--project", 5) == [5, 5, 3]
    assert widths("--project", 5, "--keep", "wide") == [k + 1, 5, 3]


def test_ranks():
    """More ranks than components, too."""
    empty_study(n=21)
    np.savez("x.npz", a=random_rows(21, 9000), b=random_rows(21, 30))
    for k in (3, 400):
        imported("x.npz", "--project", k, "--always", "--overwrite")
        expected = content(FILE)
        for ranks in (2, 3, 4):
            imported("x.npz", "--project", k, "--always", "--overwrite", ranks=ranks)
            assert content(FILE) == expected, (k, ranks)


def test_petsc_is_deaf():
    """Neither the environment nor a file in the folder one works in changes what PETSc does."""
    empty_study(n=10)
    np.save("x.npy", random_rows(10, 100))
    with open(".petscrc", "w") as file:
        file.write("-log_view\n-help\n")
    environment = {**os.environ, "PETSC_OPTIONS": "-help -options_view"}
    out = succeeded(chiasm(*arguments("x.npy", "--project", 5), env=environment))
    assert [line.split() for line in out.splitlines()] == [["depth", "layer", "features", "from"],
                                                           ["0", "x", "5", "x.npy"]], out


def test_petsc_is_loaded_to_project_alone():
    """No other command waits for PETSc's libraries; where they are missing, one line says so."""
    needed = subprocess.run(["ldd", CHIASM], capture_output=True, text=True, check=True).stdout
    assert "libhdf5" in needed and "petsc" not in needed, needed
    empty_study(n=10)
    np.save("x.npy", random_rows(10, 100))
    alone = shutil.copy(CHIASM, "chiasm")  # without what lies beside the program
    run = [os.path.abspath(alone), *map(str, arguments("x.npy", "--project", 5))]
    refused(subprocess.run(run, capture_output=True, text=True, timeout=limit(90)), "chiasm-petsc.so",
            "lib/chiasm", code=1)
    assert not os.path.exists(FILE)
    run[run.index("--project") + 1] = "none"
    succeeded(subprocess.run(run, capture_output=True, text=True, timeout=limit(90)))


def test_bench():
    for ranks in (0, 2):
        out = succeeded(chiasm("bench", "project", "--features", 3000, "--events", 90, ranks=ranks))
        for part in ("3000 features -> 3856", "rows/s", "peak memory", f"{max(ranks, 1)} rank"):
            assert part in out, out


def test_scores_of_a_planted_study():
    """A layer of 8,000 features that carry a planted network's, projected to 5,135, predicts as well."""
    succeeded(chiasm("simulate", "study", "--subjects", 1, "--alignments", "language", "--events", 400,
                     "--electrodes", 24, "--bins", 9, "--networks", 1, "--layers", 1, "--effects",
                     "0.5,0.8", "--kinds", "0,0,1,0,0"))
    with h5py.File("study/features/sim1.language/language-net.h5") as file:
        latent = file["layers/layer-01"][:]
    d = 8000
    spread = latent @ random_rows(latent.shape[1], d) / np.sqrt(latent.shape[1])
    np.save("layer.npy", (spread + 0.3 * random_rows(400, d, 1)).astype(np.float32))
    which = dict(subject="sim1", modality="language")
    whole = imported("layer.npy", "--project", "none", model="whole", **which)
    short = imported("layer.npy", model="short", **which)
    assert whole["layer"].shape[1] == d
    assert short["layer"].shape[1] == johnson_lindenstrauss_min_dim(400, eps=0.1) < d
    succeeded(chiasm("fit", "study", "-o", "run", "--models", "whole,short"))
    with h5py.File("run/fit.h5") as file:
        group = file["language"]
        assert group["feature_space"].asstr()[:].tolist() == ["short/layer", "whole/layer"]
        short, whole = group["test_r"][:].astype(float)
    assert whole.max() > 0.15, whole.max()
    assert abs(np.mean(short - whole)) < 0.01, np.mean(short - whole)
    assert np.mean(np.abs(short - whole)) < 0.02, np.mean(np.abs(short - whole))


run_tests(dict(globals()))
