"""The reference against what can be said without scikit-learn: closed form, rules, choices."""
import sys
import unittest

import numpy as np

from reference import ridge


def closed_form(x, y, alpha, folds):
    """Means over folds of val and test r, from the normal equations."""
    n, out = len(x), []
    edges = np.concatenate([[0], np.cumsum([n // folds + (f < n % folds) for f in range(folds)])])
    for a, b in zip(edges[:-1], edges[1:]):
        train = np.r_[0:a, b:n]
        z = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
        w = np.linalg.solve(z[train].T @ z[train] + alpha * np.eye(x.shape[1]),
                            z[train].T @ (y[train] - y[train].mean(axis=0)))
        half = a + (b - a) // 2
        out.append([[np.corrcoef(z[s] @ w[:, j], y[s, j])[0, 1] for j in range(y.shape[1])]
                    for s in (slice(a, half), slice(half, b))])
    return np.mean(out, axis=0)


class Ridge(unittest.TestCase):
    def setUp(self):
        g = np.random.default_rng(3)
        self.x = g.standard_normal((53, 7)) * [1, 2, 3, 4, 5, 6, 7] + 10
        self.y = self.x @ g.standard_normal((7, 3)) + 9 * g.standard_normal((53, 3)) - 100

    def test_closed_form(self):
        for x in (self.x, np.hstack([self.x, np.random.default_rng(4).standard_normal((53, 90))])):
            for solver in ("svd", "cholesky"):
                scores = ridge.fit(x, self.y, folds=5, solver=solver)
                for a in (0, 3, 6):
                    expected = closed_form(x, self.y, scores.alphas[a], 5)
                    np.testing.assert_allclose(scores.val_r[a], expected[0], atol=1e-12)
                    np.testing.assert_allclose(scores.test_r[a], expected[1], atol=1e-12)

    def test_folds_and_halves(self):
        splits = list(ridge.split(23, 5))
        self.assertEqual([(len(t), len(v), len(e)) for t, v, e in splits],
                         [(18, 2, 3)] * 3 + [(19, 2, 2)] * 2)
        self.assertEqual(list(splits[1][1]) + list(splits[1][2]), [5, 6, 7, 8, 9])
        with self.assertRaises(ValueError):
            list(ridge.split(19, 5))

    def test_gap_within_a_session(self):
        onset = np.concatenate([np.arange(12.0), np.arange(12.0)])
        session = np.repeat([0, 1], 12)
        train, _, _ = list(ridge.split(24, 3, onset, session, 1.5))[1]  # holds out 8..15
        self.assertEqual(list(train), [0, 1, 2, 3, 4, 5, 6, 17, 18, 19, 20, 21, 22, 23])

    def test_nan_rules(self):
        y = np.repeat(self.y[:, :1], 5, axis=1)
        y[0:5, 1] = 2        # validation half of fold 0 (11 events)
        y[5:11, 2] = 2       # its test half
        y[20, 3] = np.inf
        scores = ridge.fit(self.x, y)
        self.assertEqual([np.isnan(r).tolist() for r in (scores.val_r[0], scores.test_r[0])],
                         [[False, True, False, True, False], [False, False, True, True, False]])
        self.assertEqual((scores.chosen(1e-6) < 0).tolist(), [False, True, False, True, False])
        self.assertEqual(scores.test_r[2, 0], scores.test_r[2, 4])

    def test_constant_columns_change_nothing(self):
        plain = ridge.fit(self.x, self.y)
        more = ridge.fit(np.hstack([self.x, np.full((53, 2), 0.1)]), self.y)
        np.testing.assert_array_equal(plain.val_r, more.val_r)
        self.assertTrue(np.isnan(ridge.fit(np.full((53, 2), 0.1), self.y).val_r).all())

    def test_choice(self):
        val = np.array([[0.5, 0.1, np.nan, np.nan], [0.5 + 5e-7, 0.3, np.nan, 0.2],
                        [0.4, 0.3 + 2e-6, np.nan, 0.1]])
        scores = ridge.Scores(np.array([1.0, 2, 3]), val, val)
        self.assertEqual(scores.chosen(1e-6).tolist(), [0, 2, -1, 1])
        self.assertEqual(scores.chosen(1e-9).tolist(), [1, 2, -1, 1])

    def test_disagreements_are_seen(self):
        scores = ridge.fit(self.x, self.y)
        choice = scores.chosen(1e-6)
        val, test = scores.at(choice)
        alpha = scores.alphas[choice]
        self.assertEqual(ridge.disagreements(scores, val, test, alpha), [])
        self.assertTrue(ridge.disagreements(scores, val + [0, 0, 3e-6], test, alpha))
        self.assertTrue(ridge.disagreements(scores, val, test - [0, 3e-6, 0], alpha))
        self.assertTrue(ridge.disagreements(scores, val, test * [1, np.nan, 1], alpha))
        self.assertTrue(ridge.disagreements(scores, val, test, alpha * [1, np.nan, 1]))
        self.assertTrue(ridge.disagreements(scores, val, test, alpha * 1.01))
        for a in set(range(7)) - set(choice):  # right scores of an alpha that is not the best
            wrong = np.full(3, a)
            self.assertTrue(ridge.disagreements(scores, *scores.at(wrong), scores.alphas[wrong]))


if __name__ == "__main__":
    sys.exit(unittest.main())
