"""Starting chiasm bootstrap, and reading what it made."""
import h5py
import numpy as np

from inputs.job import fit
from program import ERROR, chiasm, contents, said

SUMMARIES = [f"{score}_{what}" for score in ("val_r", "test_r") for what in ("mean", "lower", "upper")]


def boot(run, *options, ranks=2):
    return chiasm("bootstrap", run, *options, ranks=ranks)


def done_well(done, code=0):
    """What it printed, stdout and stderr."""
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}{done.stderr}"
    assert ERROR not in done.stderr, done.stderr
    return done.stdout + done.stderr


def fitted(study, run, *options, code=0, ranks=0):
    return done_well(fit(study, run, *options, ranks=ranks), code)


def booted(run, *options, code=0, **how):
    return done_well(boot(run, *options, **how), code)


def refused(run, *options, text, code=2, ranks=2):
    """A bootstrap refused with one line, and nothing of the run changed."""
    before = contents(run)
    done = boot(run, *options, ranks=ranks)
    said(done, code, *([text] if isinstance(text, str) else text))
    assert contents(run) == before, f"{run} was changed"
    return done.stderr


def read(run, alignment=None):
    """Everything of one group (or the only one) of bootstrap.h5: name -> array, strings as str."""
    with h5py.File(run / "bootstrap.h5") as f:
        group = f[alignment or next(iter(f))]
        out = {name: d.asstr()[...].astype(str) if d.dtype == object else d[...] for name, d in group.items()}
        out["block_length"] = group.attrs["block_length"]
        out["seed"] = f.attrs["seed"]
        return out


def expected_summaries(r):
    """numpy's, of replicates x bins: mean, 2.5 and 97.5 percentiles; NaN where over 5 % are missing."""
    out = np.full((3, r.shape[1]), np.nan)
    for b in range(r.shape[1]):
        values = r[:, b].astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values) > 0 and 20 * (len(r) - len(values)) <= len(r):
            out[:, b] = values.mean(), *np.percentile(values, (2.5, 97.5))
    return out


def wrong_summaries(data):
    """Lines; and how many bins have some but not too many missing, and how many too many."""
    wrong, some, many = [], 0, 0
    for i, s in np.ndindex(data["layer"].shape):
        for score in ("val_r", "test_r"):
            r = data[score][i, s]
            got = np.array([data[f"{score}_{what}"][i, s] for what in ("mean", "lower", "upper")])
            expected = expected_summaries(r)
            missing = (~np.isfinite(r)).sum(axis=0)
            some += ((missing > 0) & np.isfinite(expected[0])).sum()
            many += ((missing < len(r)) & np.isnan(expected[0])).sum()
            if not np.allclose(got, expected, rtol=2.0 ** -23, atol=1e-9, equal_nan=True):
                wrong.append(f"{score} of row {i}, site {s}: {got} expected {expected}")
    return wrong, some, many
