"""protocol.md, "Uncertainty without refits", in float64 with numpy, as plainly as it can be said.

    val, test = influences(x, y, alpha, block, folds=5)   # each: blocks x targets
"""
import numpy as np

from reference.ridge import split, standardise


def hat(z, train, rows, alpha):
    """What the responses of the training events weigh in the predictions of `rows`, but for the intercept."""
    gram = z[train] @ z[train].T + alpha * np.eye(len(train))
    return np.linalg.solve(gram, z[train] @ z[rows].T).T


def one_target(x, y, alpha, folds, onset=None, session=None, gap=0.0, residual="held-out", scaling=False):
    """Of every event, on val_r and test_r: 2 x events. `scaling`: with that of the features' means and deviations."""
    n = len(y)
    splits = [(train, halves, standardise(x, train)) for train, *halves in split(n, folds, onset, session, gap)]
    held_out = np.zeros(n)
    for train, halves, z in splits:
        for rows in halves:
            held_out[rows] = y[rows] - y[train].mean() - hat(z, train, rows, alpha) @ y[train]
    out = np.zeros((2, n))
    for train, halves, z in splits:
        error = held_out[train]
        if residual != "held-out":
            own = hat(z, train, train, alpha)
            error = y[train] - y[train].mean() - own @ y[train]
        if residual == "loo":
            error /= 1 - np.diag(own) - 1 / len(train)
        for h, rows in enumerate(halves):
            weights = hat(z, train, rows, alpha)
            q = weights @ y[train]
            u, v = ((a - a.mean()) / a.std() for a in (y[rows], q))
            r = (u * v).mean()
            out[h, rows] += (u * v - r * (u ** 2 + v ** 2) / 2) / len(rows) / folds
            g = (u - r * v) / (len(rows) * q.std())
            out[h, train] += error * (weights.T @ g) / folds
            if scaling:
                beta = z[train].T @ np.linalg.solve(z[train] @ z[train].T + alpha * np.eye(len(train)), y[train])
                slope = z[rows].T @ g - z[train].T @ (weights.T @ g)
                out[h, train] -= (z[train] ** 2 - 1) @ (beta * slope) / len(train) / folds
    return out


def influences(x, y, alpha, block, folds=5, onset=None, session=None, gap=0.0, residual="held-out"):
    """y: events x targets; alpha: of each target; block: of each event. Two arrays, blocks x targets."""
    out = np.zeros((2, block.max() + 1, y.shape[1]))
    for t in range(y.shape[1]):
        of_event = one_target(np.asarray(x, float), y[:, t].astype(float), alpha[t], folds, onset, session, gap,
                              residual)
        for h in range(2):
            np.add.at(out[h, :, t], block, of_event[h])
    return out


def blocks(session, length):
    """Consecutive events of a session, `length` of them, the last fewer: of each event, by sessions."""
    out, n = np.zeros(len(session), int), 0
    for one in np.unique(session):
        rows = np.flatnonzero(session == one)
        out[rows] = n + np.arange(len(rows)) // length
        n = out[rows].max() + 1
    return out
