"""Replicates of bootstrap.h5 against scikit-learn on the drawn events, each as often as it was drawn; and the
summaries against numpy. Recordings, layers and responses that are hard to resample."""
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from stage.boot import booted, fitted, read, wrong_summaries
from stage.draws import draw
from stage.hard_study import mixed, write_subject
from reference import ridge
from reference.runs import read_features, read_responses
from study_maker import responses, rng

SEED, REPLICATES = 5, 61
COMPARED = int(os.environ.get("CHIASM_REPLICATES") or 2)  # of each layer and recording
SESSIONS = {"one": np.zeros(100, int),
            "film": np.array([3] * 29 + [1, 3, 1, 1, 3, 3, 1, 3] * 4 + [1] * 9 + [2] * 9 + [1] * 4),
            "few": np.zeros(20, int)}


def hard_responses(y):
    """n x 4 x 3; the first electrode is good."""
    n = len(y)
    y[:, 1] += 1e4
    y[n // 3, 2, 0] = np.nan
    y[:, 2, 1] = 0
    y[[2, n // 2, n - 3], 2, 1] = 1, 2, 3           # constant in most replicates
    y[:, 2, 2] = np.arange(n) % 10 // (n // 20)     # equal neighbours: seldom constant in a half
    y[:, 3, 0] = 7.5
    y[:, 3, 1] = y[:, 0, 1]
    y[n // 2, 3, 2] = 1e8                           # float32 cannot hold the rest beside it
    return y


def layers(g, y):
    """Of the n events of a replicate about 0.63 x 0.8 n are distinct and train."""
    n = len(y)
    once = np.zeros((n, 9))
    once[np.arange(9) * (n // 9), np.arange(9)] = 3  # columns of the events drawn: the others are constant
    odd = np.hstack([mixed(g, y, 4), np.full((n, 2), 4.2), once])
    return {"narrow": mixed(g, y, 4), "near": mixed(g, y, n // 2), "wide": mixed(g, y, n + 9),
            "odd": odd, "odd-wide": np.hstack([odd, mixed(g, y, n)]),
            "near-less": mixed(g, y, n // 2 - 1), "near-more": mixed(g, y, n // 2 + 1)}


def make(study):
    for subject, session in SESSIONS.items():
        n = len(session)
        g = rng(SEED, subject)
        y = hard_responses(responses(SEED, subject, "film", n, 4, 3))
        onset = np.cumsum(g.uniform(0.2, 2, n))
        x = {name: (x, np.float32, {}) for name, x in [("net", layers(g, np.nan_to_num(y)))]}
        write_subject(str(study), subject, "film", y, x, onset=onset, session=session)
    return study


def check_one(study, data, subject, row, replicate, seed, length, precision, gap):
    """What is wrong with one replicate of a layer: lines."""
    y, onset, session = read_responses(str(study), subject, "film")
    x = read_features(str(study), subject, "film", data["feature_space"][row])
    event = draw(seed, subject, "film", session, length, replicate)
    # A NaN in a response counts whether it was drawn or not.
    y[:, ~np.isfinite(y).all(axis=0)] = np.nan
    scores = ridge.fit(x[event], y[event], onset=onset[event], session=session[event], gap=gap,
                       event=event)
    sites = data["subject"] == subject
    return ridge.disagreements_unchosen(scores, data["val_r"][row, sites, replicate],
                                        data["test_r"][row, sites, replicate], precision)


def check(study, run, length, *options, seed=0, precision="mixed", gap=0.0, ranks=2):
    """All layers and recordings of one bootstrap, a few replicates of each; lines."""
    booted(run, "--replicates", REPLICATES, "--layer-selection", "all", "--block", length, "--seed", seed,
           *options, ranks=ranks)
    data = read(run)
    assert (data["block_length"] == length).all() and data["seed"] == seed
    assert data["val_r"].shape == (7, 12, REPLICATES, 3)
    wrong, some, many = wrong_summaries(data)
    g = rng(SEED, run.name)
    compared = 0
    for subject in SESSIONS:
        for row in range(len(data["layer"])):
            for replicate in {REPLICATES - 1, *g.integers(REPLICATES, size=COMPARED - 1).tolist()}:
                compared += 1
                wrong += [f"{subject}, {data['feature_space'][row]}, replicate {replicate}: {text}" for text in
                          check_one(study, data, subject, row, replicate, seed, length, precision, gap)]
    if not check_one(study, data | {"val_r": data["val_r"][:, :, ::-1]}, "one", 0, 1, seed, length, precision, gap):
        wrong.append("any scores pass")
    print(f"{run.name}: {compared} fits compared, {len(wrong)} disagreements; bins with some replicates missing: "
          f"{some}, with too many: {many}", flush=True)
    return [f"{run.name}: {text}" for text in wrong], some, many


def main():
    warnings.simplefilter("ignore")  # singular matrices are the point here
    found = []
    with tempfile.TemporaryDirectory() as top:
        top = Path(top)
        study = make(top / "study")
        fitted(study, top / "mixed")
        fitted(study, top / "double", "--precision", "double")
        fitted(study, top / "gap", "--gap", 3.5)
        fitted(study, top / "gap-double", "--gap", 1.25, "--precision", "double")
        found.append(check(study, top / "mixed", 1, "--threads", 2, ranks=0))
        found.append(check(study, top / "double", 1, seed=1, precision="double"))
        found.append(check(study, top / "gap", 20, seed=12345678901, gap=3.5))
        found.append(check(study, top / "gap-double", 3, precision="double", gap=1.25, ranks=3))
    wrong = [text for lines, _, _ in found for text in lines]
    if not sum(some for _, some, _ in found) or not sum(many for _, _, many in found):
        wrong.append("no bin had replicates missing, or none too many: the study is too easy")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
