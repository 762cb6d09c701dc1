"""The reference's influences against finite differences of a weighted fit, whose means and deviations are weighted too:
the residuals of training and the scaling's own term make the whole derivative."""
import sys
import unittest

import numpy as np

from reference import influence, ridge

STEP = 1e-3


def pearson(w, a, b):
    a, b = (v - np.average(v, weights=w) for v in (a, b))
    return (w * a * b).sum() / np.sqrt((w * a * a).sum() * (w * b * b).sum())


def scores(w, x, y, alpha, folds):
    """val_r and test_r of events that count w times each, by the normal equations."""
    out = []
    for train, *halves in ridge.split(len(y), folds):
        mean, own = np.average(x[train], axis=0, weights=w[train]), w[train, None]
        z = (x - mean) / np.sqrt((own * (x[train] - mean) ** 2).sum(axis=0) / own.sum())
        centred = y - np.average(y[train], weights=w[train])
        beta = np.linalg.solve(z[train].T @ (own * z[train]) + alpha * np.eye(x.shape[1]),
                               z[train].T @ (w[train] * centred[train]))
        out.append([pearson(w[rows], z[rows] @ beta, y[rows]) for rows in halves])
    return np.mean(out, axis=0)


def differences(x, y, alpha, folds):
    """2 x events, to the fourth order of the step."""
    out = np.zeros((2, len(y)))
    for i in range(len(y)):
        for steps, factor in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
            w = np.ones(len(y))
            w[i] += steps * STEP
            out[:, i] += factor * scores(w, x, y, alpha, folds) / (12 * STEP)
    return out


class Influence(unittest.TestCase):
    def check(self, n, p, alpha):
        g = np.random.default_rng(n + p)
        x = g.standard_normal((n, p)) * g.uniform(1, 5, p) + 3
        y = x[:, :3].sum(axis=1) + 5 * g.standard_normal(n)
        full = differences(x, y, alpha, 5)
        got = influence.one_target(x, y, alpha, 5, residual="training", scaling=True)
        without = influence.one_target(x, y, alpha, 5, residual="training")
        most = np.abs(full).max()
        np.testing.assert_allclose(got, full, rtol=0, atol=1e-8 * most)
        self.assertGreater(np.abs(without - full).max(), 1e-4 * most)

    def test_narrow(self):
        self.check(60, 8, 1.0)
        self.check(60, 8, 100.0)

    def test_wide(self):
        self.check(50, 90, 10.0)
        self.check(50, 90, 1000.0)


if __name__ == "__main__":
    sys.exit(unittest.main())
