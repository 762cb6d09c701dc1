"""Run `chiasm fit` on a study and compare every score of its fit.h5 with the reference."""
import os
import shlex
import subprocess

import h5py
import numpy as np

from limits import limit
from reference import ridge


def chiasm_fit(study, run, *options, ranks=2):
    """Fit under mpirun; the finished process, its output as text."""
    command = shlex.split(os.environ["CHIASM_MPIRUN"]) + [
        "-n", str(ranks), os.environ["CHIASM"], "fit", str(study), "-o", str(run),
        *map(str, options)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=limit(100))


def read_responses(study, subject, alignment):
    """y (events x targets), onset, session, as stored."""
    with h5py.File(os.path.join(study, "responses", f"{subject}.{alignment}.h5")) as f:
        y = f["response"][...]
        session = f["session"][...] if "session" in f else np.zeros(len(y), int)
        return y.reshape(len(y), -1).astype(np.float64), f["onset"][...], session


def read_features(study, subject, alignment, space):
    """x (events x features) as stored, or None where the subject has no such layer."""
    model, layer = space.split("/", 1)
    path = os.path.join(study, "features", f"{subject}.{alignment}", f"{model}.h5")
    if not os.path.exists(path):
        return None
    with h5py.File(path) as f:
        return f["layers"][layer][...].astype(np.float64) if layer in f["layers"] else None


def strings(dataset):
    return [s.decode() if isinstance(s, bytes) else s for s in dataset[...]]


def read_fit(run):
    """(alignment, subject, space) -> dict of val_r, test_r, alpha, each electrodes x bins."""
    out = {}
    with h5py.File(os.path.join(run, "fit.h5")) as f:
        for alignment, group in f.items():
            spaces = strings(group["feature_space"])
            subjects = np.array(strings(group["subject"]))
            for i, space in enumerate(spaces):
                for subject in dict.fromkeys(subjects):
                    out[alignment, subject, space] = {
                        name: group[name][i][subjects == subject]
                        for name in ("val_r", "test_r", "alpha", "done")}
    return out


class Reference:
    """The reference's scores of a study, each calculated once for given folds, alphas and gap."""

    def __init__(self, study):
        self.study = str(study)
        self.known = {}

    def scores(self, alignment, subject, space, **options):
        key = (alignment, subject, space, tuple(sorted(options.items())))
        if key not in self.known:
            y, onset, session = read_responses(self.study, subject, alignment)
            x = read_features(self.study, subject, alignment, space)
            self.known[key] = None if x is None else ridge.fit(
                x, y, onset=onset, session=session, **options)
        return self.known[key]

    def disagreements(self, run, precision="mixed", only=None, **options):
        """What is wrong with a run, a line for each kind and unit, and how many units were compared.

        only(alignment, subject, space) -> bool picks the units."""
        wrong, compared = [], 0
        for unit, got in read_fit(run).items():
            if only and not only(*unit):
                continue
            scores = self.scores(*unit, **options)
            if scores is None:
                if np.isfinite(got["val_r"]).any():
                    wrong.append(f"{'.'.join(unit)}: scores of a layer that is not there")
                continue
            compared += 1
            if (got["done"] != 1).any():
                wrong.append(f"{'.'.join(unit)}: done is {np.unique(got['done'])}, not 1")
            wrong += [f"{'.'.join(unit)}: {text}" for text in ridge.disagreements(
                scores, got["val_r"], got["test_r"], got["alpha"], precision)]
        return wrong, compared
