"""A small synthetic Brain Treebank in the layout of the published one, with its traps: starred labels, corrupted
electrodes listed with their stars, trigger channels, a dataset more than labels, tables in another order than the
labels and with rows missing, trigger jitter, pauses whose rows step back in time, words without a start.

    from treebank_maker import make_treebank
    truth = make_treebank("treebank")          # truth.signals: trial -> label -> samples
"""
import csv
import json
import os
from types import SimpleNamespace

import h5py
import numpy as np

RATE = 2048
LABELS = ["A1*", "A2", "A3#", "A4", "A5", "DC1", "RT2aB1", "RT2aB_2", "RT2aB3", "RT2aB4*", "TRIG1"]
CORRUPTED = ["RT2aB4*"]
REGIONS = {"A1": "ctx-lh-superiortemporal", "A2": "ctx-lh-superiortemporal", "A3": "Left-Hippocampus",
           "A4": "Unknown", "RT2aB1": "ctx-rh-insula", "RT2aB2": "ctx-rh-insula",
           "RT2aB3": "ctx-rh-insula", "RT2aB4": "Unknown"}  # A5 has no row
LAG = 3.3  # s of recording before the film begins
MOVIES = {0: "fantastic-mr-fox", 1: "the-martian", 2: "cars-2"}


def clean(label):
    return label.translate(str.maketrans("", "", "*#_"))


def write_table(path, columns, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as f:
        table = csv.writer(f)
        table.writerow(columns)
        table.writerows(rows)


def make_signals(rng, labels, seconds):
    """Slow waves shared by all, line noise, an offset, noise of its own."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    shared = 30 * np.sin(2 * np.pi * 0.7 * t) + 10 * np.sin(2 * np.pi * 11 * t + 1)
    signals = {}
    for i, label in enumerate(labels):
        own = np.cumsum(rng.standard_normal(n))
        own -= np.linspace(own[0], own[-1], n)
        burst = 8 * (1 + np.sin(2 * np.pi * 0.5 * t + i)) * np.sin(2 * np.pi * (90 + i) * t)
        line = sum(20 / k * np.sin(2 * np.pi * 60 * k * t + i) for k in range(1, 8))
        signals[label] = shared + 0.05 * own + burst + line + 5 * rng.standard_normal(n) + 3 * i - 10
    return signals


def make_timings(rng, seconds, breaks, jitter=20):
    """Rows (kind, movie time, sample): a trigger a second, and two rows per break that bear the same time, a little
    before the last trigger's."""
    film = seconds - LAG - sum(length for _, length in breaks) - 4
    at = lambda m, n_breaks: LAG + m + sum(length for _, length in breaks[:n_breaks])
    rows = [("beginning", 0.0, round(at(0, 0) * RATE))]
    done = 0
    for m in np.arange(1.0, film):
        if done < len(breaks) and m > breaks[done][0]:
            b, length = breaks[done]
            stop = round(at(b, done) * RATE)
            kinds = [("pause", "unpause"), ("end", "beginning")][done % 2]
            rows += [(kinds[0], np.floor(b) - 0.01, stop), (kinds[1], np.floor(b) - 0.01, stop + round(length * RATE))]
            done += 1
        rows.append(("trigger", m, round(at(m, done) * RATE) + int(rng.integers(-jitter, jitter + 1))))
    rows.append(("end", film, round(at(film, done) * RATE)))
    return rows


def write_timings(path, rows):
    table = [("trigger" if kind == "trigger" else kind, m, m + 1e9, m + 1e9 + 0.1, "" if kind == "trigger" else kind,
              float(index), 0) for kind, m, index in rows]
    write_table(path, ["type", "movie_time", "start_time", "end_time", "trig_type", "index", "diff"], table)


def write_words(path, rng, film):
    """Words of half a second, some overlapping ones out of order, one without a start, some before and after."""
    starts = list(np.round(np.arange(-1.0, film + 3, 0.47) + rng.uniform(0, 0.2), 4))
    starts[40], starts[41] = starts[41], starts[40]
    rows = []
    for i, start in enumerate(starts):
        text = 'say "yes", twice\nor more' if i % 17 == 0 else "word"
        rows.append([i, text, "" if i == 25 else repr(float(start)), float(start) + 0.3, "" if i % 9 == 0 else 1.5, "DET"])
    write_table(path, ["Unnamed: 0", "text", "start", "end", "word_diff", "pos"], rows)


def write_localisation(root, labels, rng):
    names = [clean(label) for label in labels]
    rows = [(name, 100 + i, 90, 80, REGIONS[name], "ctx_lh_x", REGIONS[name])
            for i, name in enumerate(names) if name in REGIONS]
    rng.shuffle(rows)
    write_table(f"{root}/localization/sub_1/depth-wm.csv",
                ["Electrode", "L", "I", "P", "DesikanKilliany", "Destrieux", "DKT"], rows)
    places = [(f"sub_{s}-{name}", i + s, -i, 2 * i, 1, f"sub_{s}", name, "G")
              for i, name in enumerate(names) for s in (1, 11) if name != "RT2aB2"]
    rng.shuffle(places)
    write_table(f"{root}/localization/elec_coords_full.csv",
                ["ID", "X", "Y", "Z", "Hemisphere", "Subject", "Electrode", "Region"], places)


def make_treebank(root, trials=(0,), labels=None, corrupted=None, seconds=60, seed=0, extra=1, flat=True, dtype="f8",
                  corrupted_key="sub_1", breaks=((20.35, 5.0), (33.6, 3.0)), **storage):
    """storage: keywords of h5py's create_dataset. flat: recordings beside all_subject_data, not in it."""
    rng = np.random.default_rng(seed)
    labels = LABELS if labels is None else labels
    os.makedirs(f"{root}/electrode_labels/sub_1")
    os.makedirs(f"{root}/subject_metadata")
    os.makedirs(f"{root}/all_subject_data", exist_ok=True)
    with open(f"{root}/electrode_labels/sub_1/electrode_labels.json", "w") as f:
        json.dump(labels, f)
    with open(f"{root}/corrupted_elec.json", "w") as f:
        json.dump({corrupted_key: CORRUPTED if corrupted is None else corrupted, "sub_7": ["X1"]}, f)
    write_localisation(root, labels, rng)
    truth = SimpleNamespace(signals={}, timings={}, words={})
    for trial in trials:
        name = f"sub_1_trial{trial:03}"
        signals = make_signals(rng, labels, seconds + trial)
        with h5py.File(f"{root}/{'' if flat else 'all_subject_data/'}{name}.h5", "w") as f:
            for i, x in enumerate([*signals.values(), *[np.zeros(int(RATE * seconds))] * extra]):
                f.create_dataset(f"data/electrode_{i}", data=x.astype(dtype), **storage)
        with open(f"{root}/subject_metadata/{name}_metadata.json", "w") as f:
            json.dump({"title": "A film", "filename": MOVIES[trial]}, f)
        timings = make_timings(rng, seconds + trial, breaks)
        write_timings(f"{root}/subject_timings/{name}_timings.csv", timings)
        truth.words[trial] = f"{root}/transcripts/{MOVIES[trial]}/features.csv"
        write_words(truth.words[trial], rng, timings[-1][1])
        truth.timings[trial] = timings
        truth.signals[trial] = {clean(label): x.astype(dtype).astype(float) for label, x in signals.items()}
    return truth
