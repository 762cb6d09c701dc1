"""A small study of everything that is hard to fit exactly: a layer or a response for each."""
import os

import numpy as np

from study_maker import responses, rng, write_features, write_responses

SEED = 11


def halves(n, folds):
    """First event, first test event and end of every fold."""
    edges = np.concatenate([[0], np.cumsum([n // folds + (f < n % folds) for f in range(folds)])])
    return [(a, a + (b - a) // 2, b) for a, b in zip(edges[:-1], edges[1:])]


def power_law(g, n, p, exponent, tail=0.0):
    """n x p with singular values k^-exponent, those beyond a rank of 5 times `tail` if given."""
    q = min(n, p)
    u = np.linalg.qr(g.standard_normal((n, q)))[0]
    v = np.linalg.qr(g.standard_normal((p, q)))[0]
    s = np.arange(1.0, q + 1) ** -exponent
    if tail:
        s[5:] *= tail
    return 100 * (u * s) @ v.T


def walk(g, n, width, memory=0.97):
    """Slowly drifting columns, as events of a film have."""
    x = g.standard_normal((n, width))
    for i in range(1, n):
        x[i] = memory * x[i - 1] + np.sqrt(1 - memory ** 2) * x[i]
    return x


def mixed(g, y, p, noise=1.0):
    """Features that predict the responses of the first electrode, which has no trouble, a little."""
    targets = (y[:, 0] - y[:, 0].mean(axis=0)) / y[:, 0].std(axis=0)
    return (targets @ g.standard_normal((targets.shape[1], p)) / np.sqrt(targets.shape[1])
            + noise * g.standard_normal((len(y), p)))


def hard_responses(y):
    """n x 6 x 4: electrodes 0 and 1 are good, each bin of the others has its own trouble."""
    n = len(y)
    fold = halves(n, 5)
    y[:, 1] += 1e4 * y[:, 1].std(axis=0)
    y[fold[1][0]:fold[1][1], 2, 0] = 3.25      # constant in a validation half: no alpha
    y[fold[3][1]:fold[3][2], 2, 1] = -7.5      # constant in a test half: an alpha, no test r
    y[17, 2, 2] = np.nan
    y[n - 1, 2, 3] = np.inf
    y[:, 3, 0] = 0.1                           # constant; its mean rounds
    y[:, 3, 1] *= 1e-20                        # squares are below float32's range
    y[:, 3, 2] *= 1e19                         # and above it
    y[:, 3, 3] = np.round(y[:, 3, 3]) == 2     # few values
    y[:, 4] = walk(rng(SEED, "walk"), n, 4)
    y[:, 5, 0] = 0
    y[n // 2, 5, 0] = 1                        # one event only
    y[:, 5, 1] = y[:, 0, 1]                    # the same response twice
    y[:, 5, 2] = -2.5 * y[:, 0, 1] + 100
    y[:, 5, 3] = np.arange(n)
    return y


def hard_layers(y):
    """Layers for n events whose training sets have about 0.8 n."""
    n = len(y)
    g = rng(SEED, "layers")
    fold = halves(n, 5)
    out = {f"p{p}": mixed(g, y, p) for p in (1, 2, 10, 60, n - n // 5 - 2, n - n // 5 - 1,
                                             n - n // 5, n - n // 5 + 1, 150, 300)}
    # Every column that chiasm may leave out, drop in one fold or divide by next to nothing.
    x = mixed(g, y, 12)
    x[:, 3] = 4.2
    x[:, 7] = 0
    out["constant-columns"] = x
    out["all-constant"] = np.tile(g.standard_normal(5), (n, 1))
    x = mixed(g, y, 8)
    x[:, 2] = 1.7
    x[fold[2][0]:fold[2][2], 2] = g.standard_normal(fold[2][2] - fold[2][0])
    x[:, 5] = -0.3
    x[fold[4][1], 5] = 5
    out["constant-in-one-training-set"] = x
    out["constant-in-one-training-set-wide"] = np.hstack([x, mixed(g, y, 140)])
    x = mixed(g, y, 1)
    x[fold[1][0]:fold[1][1]] = 0.4             # a constant prediction in a validation half
    out["flat-in-a-validation-half"] = x
    x = mixed(g, y, 3)
    x[fold[3][1]:fold[3][2]] = [0.4, -1, 2]    # and in a test half
    out["flat-in-a-test-half"] = x
    out["offsets"] = 1e3 * g.standard_normal(20) + mixed(g, y, 20)
    out["one-event-columns"] = np.eye(n)[:, ::7] * 3.0
    out["identity"] = np.eye(n)
    x = np.maximum(mixed(g, y, 40) - 1.5, 0)
    out["relu"] = np.hstack([x, np.eye(n)[:, 5::11]])
    x = np.maximum(mixed(g, y, 260) - 1.5, 0)
    x[:, ::9] = 0
    out["relu-wide"] = x
    x = mixed(g, y, 15)
    out["duplicates"] = np.hstack([x, x, -x[:, :4], 1e3 * x[:, :2]])
    x = mixed(g, y, 80)
    out["duplicates-wide"] = np.hstack([x, x])
    x = mixed(g, y, 30) * np.logspace(-10, 10, 30)
    out["scales"] = x
    out["scales-wide"] = mixed(g, y, 160) * np.logspace(-10, 10, 160)
    out["singular"] = power_law(g, n, 40, 0.5, tail=1e-6)
    out["singular-wide"] = power_law(g, n, 200, 0.5, tail=1e-6)
    for exponent in (0.5, 1, 2):
        out[f"power-{exponent}"] = power_law(g, n, 60, exponent)
        out[f"power-{exponent}-wide"] = power_law(g, n, 250, exponent)
    out["drift"] = walk(g, n, 12)
    out["drift-wide"] = walk(g, n, 180)
    out["trend"] = np.hstack([np.arange(n)[:, None] + 0.01 * g.standard_normal((n, 1)),
                              mixed(g, y, 4)])
    return out


def nearly_constant(g, y, p):
    """Columns whose spread is 1e-7 of their offset: float64 holds them to 9 digits."""
    return 1e6 * g.choice([-1, 1], p) * (1 + 1e-7 * mixed(g, y, p))


def write_subject(study, subject, alignment, y, models, *, dtype=np.float32, onset=None,
                  session=None, **storage):
    """models: name -> (layers, dtype, storage)."""
    os.makedirs(os.path.join(study, "responses"), exist_ok=True)
    folder = os.path.join(study, "features", f"{subject}.{alignment}")
    os.makedirs(folder, exist_ok=True)
    write_responses(os.path.join(study, "responses", f"{subject}.{alignment}.h5"), subject,
                    alignment, y, dtype=dtype, onset=onset, session=session, **storage)
    for model, (layers, x_dtype, x_storage) in models.items():
        write_features(os.path.join(folder, f"{model}.h5"), model, layers, dtype=x_dtype,
                       modality="vision", training="trained", **x_storage)


def make_hard_study(study):
    """All of it; n = 123, so that the folds of 5 differ in size. Gives the path back."""
    study = str(study)
    n = 123
    # Responses of every type and storage, and features of every type for each.
    gzip = {"chunks": (10, 2, 3), "compression": "gzip", "shuffle": True}
    for subject, dtype, storage in (("f32", np.float32, {}), ("f64", np.float64, {}),
                                    ("f16", np.float16, {}), ("gzip", np.float32, gzip)):
        y = responses(SEED, subject, "film", n, 6, 4)
        if subject != "f16":  # it holds neither the offsets nor the scales
            with np.errstate(over="ignore"):
                y = hard_responses(y)
        g = rng(SEED, "types", subject)
        x = {"narrow": mixed(g, y, 9), "wide": mixed(g, y, 130)}
        x_gzip = {"chunks": (7, 4), "compression": "gzip"}
        models = {f"x{d.__name__}": (x, d, {}) for d in (np.float16, np.float32, np.float64)}
        models["xgzip"] = (x, np.float64, x_gzip)
        if subject == "f32":
            models["hard"] = (hard_layers(y), np.float32, {})
            models["hard64"] = ({"nearly-constant": nearly_constant(g, y, 6),
                                 "nearly-constant-wide": nearly_constant(g, y, 140),
                                 "singular": power_law(g, n, 40, 0.5, tail=1e-9),
                                 "scales": mixed(g, y, 20) * np.logspace(-10, 10, 20)},
                                np.float64, {})
            models["ulps"] = ({"nearly-constant": 1 + 1e-7 * np.round(mixed(g, y, 8))},
                              np.float32, {})
        write_subject(study, subject, "film", y, models, dtype=dtype, **storage)

    y = responses(SEED, "one", "single", 61, 1, 1)
    x = {f"p{p}": mixed(rng(SEED, "single", p), y, p) for p in (1, 10, 48, 49, 100)}
    write_subject(study, "one", "single", y, {"net": (x, np.float32, {})})

    y = responses(SEED, "few", "short", 20, 5, 3)  # two events a half, the fewest there may be
    x = {f"p{p}": mixed(rng(SEED, "short", p), y, p) for p in (1, 3, 16, 30)}
    write_subject(study, "few", "short", y, {"net": (x, np.float32, {})})

    y = walk(rng(SEED, "slow-y"), 203, 15, 0.995).reshape(203, 5, 3)
    x = {f"p{p}": walk(rng(SEED, "slow-x", p), 203, p, 0.995) for p in (1, 20, 220)}
    write_subject(study, "film", "slow", y, {"net": (x, np.float32, {})})
    return study


def make_far_study(study):
    """Events far out, and means that move, beyond what float32 holds beside the rest. Gives the path back."""
    for n in (20, 60, 200):
        good = responses(SEED, "far", n, n, 15, 2)
        y = good / good.std(axis=0)
        y[0, 0], y[0, 1], y[0, 2] = 1e4, 1e5, 1e8
        y[n // 3, 3], y[n // 3, 4], y[n - 1, 5] = 1e5, 1e8, 1e12
        y[:, 6:9] *= 1e-6                      # a code for missing beside volts
        y[0, 6] = y[n // 2, 7] = y[n // 4:n // 2, 8] = -999
        y[n // 2:, 9] += 1e6                   # other offsets, by session and by the minute
        y[:, 10] += np.where(np.arange(n) // 10 % 2, 1e3, -1e3)[:, None]
        y[n // 10:n // 5, 11] *= 1e-4          # a half that is nearly flat
        y[:, 12] += 1e4 * np.arange(n)[:, None]
        y[0, 13] = y[n // 2:, 13] = 60         # what float32 just holds, and another flat half
        y[n // 2:, 14] += 50
        for dtype in (np.float32, np.float64):
            x = {f"p{p}": mixed(rng(SEED, "far", p), good, p) for p in (3, 15, 300)}
            write_subject(str(study), f"n{n}-{dtype.__name__}", "far", y, {"net": (x, np.float32, {})},
                          dtype=dtype)

    # Counts and one-hot features, in every type that they are written in.
    n, g = 90, rng(SEED, "counts")
    for i, dtype in enumerate((np.int16, np.uint8, np.int64, ">i4", bool)):
        y = g.poisson(2 + np.arange(8), (n, 8)).reshape(n, 4, 2)
        models = {np.dtype(d).name: ({"narrow": (y[:, :, 0] > g.integers(6, size=(n, 4))).astype(float),
                                      "wide": g.integers(3, size=(n, 150)).astype(float)}, d, {})
                  for d in (bool, np.int8, np.uint16, np.int32, np.int64)}
        write_subject(str(study), f"counts{i}", "counts", (y > 4) if dtype is bool else y, models, dtype=dtype)
    return str(study)


def make_plain_study(study):
    """Two sessions of 43 and 40 events and two layers, for the options."""
    n = 83
    y = responses(SEED, "s", "film", n, 4, 3)
    g = rng(SEED, "plain")
    x = {"narrow": mixed(g, y, 12), "wide": mixed(g, y, 120)}
    session = np.repeat([0, 1], [43, 40])
    onset = np.concatenate([np.cumsum(g.uniform(0.2, 2, 43)), np.cumsum(g.uniform(0.2, 2, 40))])
    write_subject(str(study), "s", "film", y, {"net": (x, np.float32, {})}, onset=onset,
                  session=session)
    return str(study)
