"""The import's steps by scipy and numpy, written from their descriptions, whole recordings at once."""
import csv
import math

import numpy as np
from scipy import signal

from treebank_maker import RATE


def notch(x, line=60.0, rate=RATE):
    for k in range(1, 7):
        if k * line < rate / 2:
            b, a = signal.iirnotch(k * line, 30, rate)
            x = signal.lfilter(b, a, x)
    return x


def high_pass(x, edge, rate=RATE):
    return signal.sosfilt(signal.butter(4, edge, "highpass", fs=rate, output="sos"), x)


def band(x, low, high, rate=RATE):
    return signal.sosfilt(signal.butter(4, [low, high], "bandpass", fs=rate, output="sos"), x)


def envelope(x, low, rate=RATE):
    """As envelope.h has it."""
    reach = math.ceil(5 * rate / low)
    m = np.arange(-reach, reach + 1)
    taps = np.where(m % 2 == 1, 2 / (np.pi * np.where(m == 0, 1, m)), 0) * np.kaiser(2 * reach + 1, 8)
    return np.hypot(x, signal.oaconvolve(x, taps, "same"))


def split(name):
    n = len(name)
    while n and not name[n - 1].isalpha():
        n -= 1
    return name[:n], name[n:]


def neighbours(name, names):
    stem, number = split(name)
    around = [f"{stem}{int(number) + d}" for d in (-1, 1)] if number.isdigit() else [None]
    return around if all(a in names for a in around) else None


def good(signals, corrupted):
    return [n for n in signals if n not in corrupted and not n.startswith(("DC", "TRIG"))]


def treat(signals, names, reference="none", filters=(), zscore=False):
    """Filters first, then the reference, as upstream; gives name -> responses' signal."""
    linear = [f for f in filters if f is not envelope_of]
    filtered = {}
    for name in names:
        x = signals[name]
        for f in linear:
            x = f(x)
        filtered[name] = x
    if reference == "laplacian":
        out = {}
        for name in names:
            around = neighbours(name, names)
            if around:
                out[name] = filtered[name] - (filtered[around[0]] + filtered[around[1]]) / 2
    elif reference == "car":
        mean = np.mean([filtered[n] for n in names], axis=0)
        out = {n: filtered[n] - mean for n in names}
    else:
        out = filtered
    if envelope_of in filters:
        out = {n: envelope(x, 70) for n, x in out.items()}
    if zscore:
        out = {n: (x - x.mean()) / x.std() for n, x in out.items()}
    return out


def envelope_of(x):
    """Stands for the envelope among the filters: it is taken after the reference."""
    return envelope(x, 70)


def to_sample(t, timings):
    """None: outside; "pause"; or the sample."""
    parts, part = [], []
    for i, (kind, m, index) in enumerate(timings):
        if i and kind in ("unpause", "beginning"):
            parts.append(part)
            part = []
        part.append((m, index))
    parts.append(part)
    which = next((i for i, p in enumerate(parts) if t <= p[-1][0]), None)
    if which is None:
        return None
    m, index = min(parts[which], key=lambda row: abs(row[0] - t))
    sample = round(index + (t - m) * RATE)
    if which and parts[which - 1][-1][1] < sample < parts[which][0][1]:
        return "pause"
    if which + 1 < len(parts) and parts[which][-1][1] < sample < parts[which + 1][0][1]:
        return "pause"
    return sample


def bins(window=(-2, 2.2), width=0.2, step=0.025, rate=RATE):
    n = int(np.floor((window[1] - window[0] - width) / step + 1e-9)) + 1
    away = lambda v: int(math.copysign(math.floor(abs(v) + 0.5), v))
    edges = [(window[0] + k * step) * rate for k in range(n)]
    return [(away(a), away(a + width * rate)) for a in edges], [window[0] + k * step + width / 2 for k in range(n)]


def starts(path):
    with open(path, newline="", encoding="utf-8") as f:
        return [float(row["start"]) if row["start"] else None for row in csv.DictReader(f)]


def place(path, n_samples, edges, convert):
    """[(sample, row)] in order, and how many were dropped: outside, in a pause, without a start."""
    events, dropped = [], [0, 0, 0]
    for row, t in enumerate(starts(path)):
        sample = None if t is None else convert(t)
        if t is None:
            dropped[2] += 1
        elif sample == "pause":
            dropped[1] += 1
        elif sample is None or sample + edges[0][0] < 0 or sample + edges[-1][1] > n_samples:
            dropped[0] += 1
        else:
            events.append((sample, row))
    return sorted(events), dropped


def cut(treated, events, edges):
    """(event, electrode, bin)"""
    out = np.empty((len(events), len(treated), len(edges)))
    for e, x in enumerate(treated.values()):
        for i, (sample, _) in enumerate(events):
            out[i, e] = [x[sample + a:sample + b].mean() for a, b in edges]
    return out
