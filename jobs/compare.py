"""Time one cross-validated ridge fit by chiasm and by the ways people do it in Python.

Called by compare.sh, on one core with one BLAS kernel for all. Prints a Markdown table of CPU seconds.
A method that takes minutes is timed for one fold and alpha and multiplied (marked "x")."""
import json
import os
import subprocess
import sys
import time

import numpy as np
from scipy.linalg import lstsq
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

SHAPES = {"small": (3000, 1000, 5000), "wide": (1500, 4000, 5000),
          "paper-final": (6070, 768, 24974), "paper-srp": (6070, 7467, 24974)}
ALPHAS = [0.1, 1, 10, 100, 1e3, 1e4, 1e5]
FOLDS = 5


def data(shape):
    n, p, t = SHAPES[shape]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, p), dtype=np.float32)
    y = rng.standard_normal((n, t), dtype=np.float32) + x[:, :1]
    return x, y


def splits(n):
    edges = np.linspace(0, n, FOLDS + 1).astype(int)
    for first, end in zip(edges[:-1], edges[1:]):
        yield np.r_[0:first, end:n], np.arange(first, end)


def pearson(a, b):
    a = a - a.mean(0)
    b = b - b.mean(0)
    return (a * b).sum(0) / np.sqrt((a * a).sum(0) * (b * b).sum(0))


def fold_data(x, y, train, held_out):
    scaler = StandardScaler().fit(x[train])
    return scaler.transform(x[train]), y[train], scaler.transform(x[held_out]), y[held_out]


def authors(z, y, z_ho, y_ho, alpha):
    """Normal equations by LAPACK's least squares in float32, as in the paper's released code."""
    gram = z.T @ z + np.float32(alpha) * np.eye(z.shape[1], dtype=np.float32)
    w = lstsq(gram, z.T @ y, lapack_driver="gelsy", overwrite_a=True, overwrite_b=True,
              check_finite=False)[0]
    return pearson(z_ho @ w, y_ho)


def sklearn_loop(z, y, z_ho, y_ho, alpha):
    return pearson(Ridge(alpha=alpha, solver="cholesky").fit(z, y).predict(z_ho), y_ho)


def timed(method, x, y, budget=60.0):
    """CPU seconds of all folds and alphas, and whether they were extrapolated from the first few."""
    spent, calls = 0.0, 0
    for train, held_out in splits(len(x)):
        start = time.process_time()
        parts = fold_data(x, y, train, held_out)
        spent_on_data = time.process_time() - start
        for alpha in ALPHAS:
            start = time.process_time()
            method(*parts, alpha)
            spent += time.process_time() - start + spent_on_data / len(ALPHAS)
            calls += 1
            if spent > budget:
                return spent / calls * FOLDS * len(ALPHAS), True
    return spent, False


def himalaya(x, y):
    from himalaya.ridge import RidgeCV
    from sklearn.model_selection import PredefinedSplit
    fold = np.repeat(np.arange(FOLDS), -(-len(x) // FOLDS))[:len(x)]
    start = time.process_time()
    RidgeCV(alphas=ALPHAS, cv=PredefinedSplit(fold)).fit(StandardScaler().fit_transform(x), y)
    return time.process_time() - start


def chiasm(shape):
    out = subprocess.run([os.environ["CHIASM"], "bench", "--shape", shape, "--threads", "1",
                          "--json"], check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def main():
    try:
        import himalaya as _  # noqa: F401
        with_himalaya = True
    except ImportError:
        with_himalaya = False
    print("| shape | chiasm | authors' method | scikit-learn loop |"
          + (" himalaya |" if with_himalaya else ""))
    print("|---|---|---|---|" + ("---|" if with_himalaya else ""))
    kernel = ""
    for shape in sys.argv[1:] or ["small", "wide"]:
        result = chiasm(shape)
        kernel = result["kernel"]
        x, y = data(shape)
        cells = [f"{result['cpu_s']:.2f}"]
        for method in (authors, sklearn_loop):
            seconds, extrapolated = timed(method, x, y)
            cells.append(f"{seconds:.1f}{' x' if extrapolated else ''}")
        if with_himalaya:
            cells.append(f"{himalaya(x, y):.1f}")
        n, p, t = SHAPES[shape]
        print(f"| {shape} ({n} x {p} x {t}) | " + " | ".join(cells) + " |", flush=True)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                if line.startswith("model name")), "unknown processor")
    print(f"\nCPU seconds on one core of {cpu}, BLAS kernel {kernel}, "
          f"{time.strftime('%Y-%m-%d')}; x: extrapolated from the first folds and alphas.")


if __name__ == "__main__":
    main()
