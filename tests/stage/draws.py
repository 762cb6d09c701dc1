"""protocol.md, "Uncertainty": which events a replicate draws, and how many together. An independent calculation:
numpy's Philox, whole numbers of Python, no C.

    events = draw(seed=0, subject="s1", alignment="film", session=[0, 0, 1], length=2, replicate=7)
"""
import math

import numpy as np


def fnv1a(text):
    value = 14695981039346656037
    for byte in text.encode():
        value = (value ^ byte) * 1099511628211 % 2 ** 64
    return value


def words(seed, stream, replicate, purpose, n):
    """The first word of Philox4x64-10 at the counters (0..n-1, replicate, purpose, 0)."""
    first = (replicate << 64) + (purpose << 128)
    # numpy counts up before it makes a block
    philox = np.random.Philox(key=seed + (fnv1a(stream) << 64), counter=(first - 1) % 2 ** 256)
    return [int(w) for w in philox.random_raw(4 * n)[::4]]


def draw(seed, subject, alignment, session, length, replicate):
    """The drawn events, sorted."""
    session = np.asarray(session)
    n = len(session)
    out = []
    for word in words(seed, f"{subject}.{alignment}", replicate, 0, math.ceil(n / length)):
        start = word * n >> 64
        own = np.flatnonzero(session == session[start]).tolist()  # in file order
        at = own.index(start)
        out += [own[(at + k) % len(own)] for k in range(length)]
    return np.sort(out[:n])


def neighbours(session, lag):
    """Pairs of events of one session, `lag` apart in it."""
    pairs = []
    for s in dict.fromkeys(np.asarray(session).tolist()):
        own = np.flatnonzero(np.asarray(session) == s)
        pairs += zip(own[:-lag] if lag else own, own[lag:])
    return np.array(pairs, int).reshape(-1, 2)


def autocorrelation(y, session, lag):
    """Mean over the targets that vary and hold no NaN. y: events x targets."""
    y = y[:, np.isfinite(y).all(axis=0)]
    y = y[:, y.max(axis=0) > y.min(axis=0)]
    y = y - y.mean(axis=0)
    a, b = neighbours(session, lag).T
    return np.mean((y[a] * y[b]).sum(axis=0) / (y ** 2).sum(axis=0)) if y.shape[1] else -1


def auto_terms(y, session, onset, time, bin_width):
    """What --block auto looks at: n / 20, n^(1/3), events per window, lag of the autocorrelation."""
    n = len(session)
    steps = neighbours(session, 1)
    pace = np.mean(onset[steps[:, 1]] - onset[steps[:, 0]])
    lag = next((k for k in range(1, n) if autocorrelation(y, session, k) < 0.05), n)
    cube = next(k for k in range(1, n + 1) if k ** 3 >= n)
    return n / 20, cube, (time[-1] - time[0] + bin_width) / pace, lag


def auto_length(exchangeable, *terms):
    if exchangeable:
        return 1
    most, *wanted = terms
    return math.ceil(min(most, max(wanted)))
