"""protocol.md, "Fitting one feature space", in float64 with scikit-learn, as plainly as it can be said.

    scores = fit(x, y)               # x: events x features, y: events x targets, as read from a study
    scores.val_r, scores.test_r      # alphas x targets: EVERY alpha, since near ties may go either way
    scores.chosen(1e-6)              # index of the alpha of each target, -1 where there is none
    disagreements(scores, val_r, test_r, alpha, precision="mixed")   # [] if chiasm's scores are right
"""
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

ALPHAS = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
CHOICE_TOLERANCE = {"mixed": 1e-6, "double": 1e-9}  # alphas this near to the best are ties
SCORE_TOLERANCE = {"mixed": 2e-6, "double": 1e-9}   # how far chiasm may be from this calculation
FLAT_PREDICTION = 1e-6                              # spread over size before centring


@dataclass
class Scores:
    alphas: np.ndarray  # A, ascending
    val_r: np.ndarray   # A x targets, mean over folds; NaN rules the alpha out
    test_r: np.ndarray

    def chosen(self, tolerance):
        """The smallest alpha whose validation r is within tolerance of the best; -1: none has one."""
        best = np.max(np.where(np.isnan(self.val_r), -np.inf, self.val_r), axis=0)
        near = self.val_r >= best - tolerance  # False for NaN
        return np.where(near.any(axis=0), near.argmax(axis=0), -1)

    def at(self, choice):
        """val_r and test_r of each target at its chosen alpha; NaN where there is none."""
        target = np.arange(self.val_r.shape[1])
        none = choice < 0
        return (np.where(none, np.nan, self.val_r[choice, target]),
                np.where(none, np.nan, self.test_r[choice, target]))


def split(n, folds, onset=None, session=None, gap=0.0):
    """Training events, validation half and test half of every fold."""
    if n < 4 * folds:
        raise ValueError(f"{n} events are too few for {folds} folds")
    for train, held_out in KFold(folds, shuffle=False).split(np.zeros(n)):
        if gap > 0:
            near = np.abs(onset[train][:, None] - onset[held_out][None, :]) <= gap
            near &= session[train][:, None] == session[held_out][None, :]
            train = train[~near.any(axis=1)]
        half = len(held_out) // 2
        yield train, held_out[:half], held_out[half:]


def standardise(x, train):
    """Every event by the training events' mean and deviation; constant columns left out."""
    x = x[:, x[train].max(axis=0) != x[train].min(axis=0)]
    if x.shape[1] == 0:
        return x
    # Less one event's values: a spread of 1e-12 of the offset is still no constant to StandardScaler.
    x = x - x[train[0]]
    # And by a power of two near the spread: squares of 1e-200 or 1e200 are no numbers.
    x = x * 2.0 ** -np.round(np.log2(np.abs(x[train]).max(axis=0)))
    return StandardScaler().fit(x[train]).transform(x)


def pearson(prediction, response):
    """Pearson r of each column; NaN where the response is constant or the prediction as good as."""
    p = prediction - prediction.mean(axis=0)
    y = response - response.mean(axis=0)
    spread = np.sqrt((p ** 2).sum(axis=0))
    size = np.sqrt((prediction ** 2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (p * y).sum(axis=0) / (spread * np.sqrt((y ** 2).sum(axis=0)))
    constant = response.max(axis=0) == response.min(axis=0)
    flat = (spread < FLAT_PREDICTION * size) | (spread == 0)
    return np.where(constant | flat, np.nan, r)


def fit(x, y, alphas=ALPHAS, folds=5, onset=None, session=None, gap=0.0, solver="svd", event=None):
    """Scores of all targets at all alphas. solver: "svd" or "cholesky", as Ridge calls them.

    event: of a replicate, which event each row is. A half of a fold with one event alone, or whose fold trains on one
    alone, has no part in the means."""
    x = np.asarray(x, np.float64)
    y = np.asarray(y, np.float64)
    alphas = np.sort(np.asarray(alphas, np.float64))
    if not np.isfinite(x).all():
        raise ValueError("a feature is NaN or Inf")
    if session is None:
        session = np.zeros(len(x), int)
    missing = ~np.isfinite(y).all(axis=0)
    y = np.where(missing, 0.0, y)  # constant, so NaN in every half
    splits = list(split(len(x), folds, onset, session, gap))
    event = np.arange(len(x)) if event is None else event
    counts = np.array([[len(set(event[rows])) > 1 and len(set(event[train])) > 1 for train, *halves in splits
                        for rows in (halves[h],)] for h in range(2)])
    r = np.full((2, folds, len(alphas), y.shape[1]), np.nan)
    for f, (train, *halves) in enumerate(splits):
        if not counts[:, f].any():
            continue
        z = standardise(x, train)
        if z.shape[1] == 0:
            continue
        for a, alpha in enumerate(alphas):
            ridge = Ridge(alpha=alpha, solver=solver).fit(z[train], y[train])
            weights = np.atleast_2d(ridge.coef_).reshape(y.shape[1], -1).T
            for h, half in enumerate(halves):
                r[h, f, a] = pearson(z[half] @ weights, y[half])
    # a NaN in any fold that counts is a NaN here
    return Scores(alphas, *(r[h, counts[h]].mean(axis=0) if counts[h].any() else r[h, 0] for h in range(2)))


def disagreements(scores, val_r, test_r, alpha, precision="mixed"):
    """What is wrong with chiasm's val_r, test_r and alpha (each: targets), a line for each kind.

    Scores are compared at chiasm's alpha, since near ties may go either way; then that alpha has to
    be one that the rule may choose, given how far both calculations may be apart."""
    val_r, test_r, alpha = (np.ravel(a).astype(np.float64) for a in (val_r, test_r, alpha))
    allowed = SCORE_TOLERANCE[precision]
    tie = CHOICE_TOLERANCE[precision]
    choice = scores.chosen(tie)
    out = []

    def report(bad, text, values):
        if bad.any():
            i = int(np.argmax(bad))
            out.append(f"{text}: {int(bad.sum())} of {bad.size} targets, first {i}: {values(i)}")

    report(np.isnan(alpha) != (choice < 0), "alpha is NaN or is not, wrongly",
           lambda i: f"{alpha[i]}, reference's validation r {scores.val_r[:, i]}")
    index = np.abs(np.log(np.where(np.isnan(alpha), 1, alpha))[None, :]
                   - np.log(scores.alphas)[:, None]).argmin(axis=0)
    odd = ~np.isnan(alpha) & (np.abs(scores.alphas[index] / alpha - 1) > 1e-6)
    report(odd, "alpha is none of those asked for", lambda i: alpha[i])
    index = np.where(np.isnan(alpha) | (choice < 0), -1, index)

    ref_val, ref_test = scores.at(index)
    for name, got, ref in (("val_r", val_r, ref_val), ("test_r", test_r, ref_test)):
        report(np.isnan(got) != np.isnan(ref), f"{name} is NaN or is not, wrongly",
               lambda i: f"{got[i]}, reference {ref[i]} at alpha {alpha[i]}")
        rounding = 2.0 ** -24 * np.abs(ref) + 1e-44  # fit.h5 holds float32
        report(np.abs(got - ref) > allowed + rounding, f"{name} is off",
               lambda i: f"{got[i]}, reference {ref[i]}, {got[i] - ref[i]:.2e} at alpha {alpha[i]}")

    # r of two alphas may each be off by `allowed`
    best, _ = scores.at(choice)
    best = np.fmax(best, np.max(np.where(np.isnan(scores.val_r), -np.inf, scores.val_r), axis=0))
    report(ref_val < best - tie - 2 * allowed, "a better alpha was passed over",
           lambda i: f"alpha {alpha[i]}, validation r {scores.val_r[:, i]}")
    smaller = np.arange(len(scores.alphas))[:, None] < index[None, :]
    passed = (smaller & (scores.val_r > best - tie + 2 * allowed)).any(axis=0)
    report(passed, "a smaller alpha as good was passed over",
           lambda i: f"alpha {alpha[i]}, validation r {scores.val_r[:, i]}")
    return out


def disagreements_unchosen(scores, val_r, test_r, precision="mixed"):
    """The same where chiasm does not say which alpha it chose (a replicate): some alpha that the rule
    may choose must have both scores."""
    val_r, test_r = (np.ravel(a).astype(np.float64) for a in (val_r, test_r))
    allowed = SCORE_TOLERANCE[precision]
    tie = CHOICE_TOLERANCE[precision]
    known = np.where(np.isnan(scores.val_r), -np.inf, scores.val_r)  # alphas x targets
    best = known.max(axis=0)
    possible = known >= best - tie - 2 * allowed
    as_good = known > best - tie + 2 * allowed  # then no larger alpha can be chosen
    possible[1:] &= ~np.logical_or.accumulate(as_good, axis=0)[:-1]
    possible &= np.isfinite(known)

    def near(got, ref):
        rounding = 2.0 ** -24 * np.abs(ref) + 1e-44
        with np.errstate(invalid="ignore"):
            return (np.abs(got - ref) <= allowed + rounding) | (np.isnan(got) & np.isnan(ref))

    fits = (possible & near(val_r, scores.val_r) & near(test_r, scores.test_r)).any(axis=0)
    fits |= ~possible.any(axis=0) & np.isnan(val_r) & np.isnan(test_r)
    if fits.all():
        return []
    i = int(np.argmin(fits))
    return [f"{int((~fits).sum())} of {fits.size} targets are off, first {i}: val_r {val_r[i]}, test_r {test_r[i]}; "
            f"reference {scores.val_r[:, i]}, {scores.test_r[:, i]}"]
