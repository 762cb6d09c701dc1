"""Whether two results of chiasm hold the same bytes, as formats.md defines that: every dataset, and every attribute
not named run_*. As a program: compare_runs.py A B, exit code 0 if they do, else 1 and the differences."""
import sys

import h5py
import numpy as np

# The netCDF scales' bookkeeping holds addresses in the file, which are no contents.
BOOKKEEPING = {"DIMENSION_LIST", "REFERENCE_LIST"}


def objects(file):
    found = {"/": file["/"]}
    file.visititems(lambda name, item: found.__setitem__("/" + name, item))
    return found


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes()


def attributes(item):
    return {k: v for k, v in item.attrs.items() if k not in BOOKKEEPING and not k.startswith("run_")}


def scales(item):
    return [[scale.name for scale in dim.values()] for dim in item.dims]


def differences(path_a, path_b):
    """The differences of two files, one line each; none: the same bytes."""
    found = []
    with h5py.File(path_a, "r") as file_a, h5py.File(path_b, "r") as file_b:
        a, b = objects(file_a), objects(file_b)
        for name in sorted(set(a) ^ set(b)):
            found.append(f"{name} is only in {path_a if name in a else path_b}")
        for name in sorted(set(a) & set(b)):
            x, y = a[name], b[name]
            if type(x) is not type(y):
                found.append(f"{name}: a group against a dataset")
                continue
            ax, ay = attributes(x), attributes(y)
            found += [f"{name}: attribute {k}" for k in sorted(set(ax) | set(ay))
                      if k not in ax or k not in ay or not same(ax[k], ay[k])]
            if isinstance(x, h5py.Group):
                continue
            if x.dtype != y.dtype or x.shape != y.shape:
                found.append(f"{name}: {x.dtype} {x.shape} against {y.dtype} {y.shape}")
                continue
            if scales(x) != scales(y):
                found.append(f"{name}: other dimension scales")
            if not same(x[()], y[()]):
                found.append(f"{name}: {differing(x[()], y[()])}")
    return found


def differing(a, b):
    if a.dtype == object or a.ndim == 0:
        return "other contents"
    bits = f"u{a.dtype.itemsize}"
    where = np.argwhere(np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits))
    at = tuple(where[0])
    return f"{len(where)} of {a.size} values, the first at {list(map(int, at))}: {a[at]!r} against {b[at]!r}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: compare_runs.py A B")
    lines = differences(sys.argv[1], sys.argv[2])
    print("\n".join(lines) if lines else "the same bytes")
    sys.exit(1 if lines else 0)
