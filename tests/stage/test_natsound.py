"""Real recordings (../shared/data/README.md): the table there, and every score against scikit-learn.

Skipped where the data are absent: they are not part of the project."""
import csv
import os
import shlex
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy as np

from limits import limit
from reference.runs import Reference, chiasm_fit, read_fit

DATA = Path(os.environ.get("CHIASM_DATA",
                           Path(__file__).resolve().parents[3] / "shared" / "data"))
SKIPPED = 77

# Mean test r over all targets, and over the bins that begin in [0.5 s, 2 s).
TABLE = {
    "cochlear/bands": (0.141, 0.171),
    "modulation/spectrotemporal": (0.366, 0.471),
    "category/onehot": (0.512, 0.676),
    "acoustic-category/concat": (0.481, 0.632),
    "embedding-net/pool3": (0.403, 0.522),
    "embedding-net-random/pool3": (0.292, 0.376),
}


def table_disagreements(run):
    """The table's entries that differ from the run's in a digit shown there."""
    fits = read_fit(run)
    with h5py.File(Path(run) / "fit.h5") as f:
        begin = f["sound/time"][...] - 0.05  # bins of 0.1 s
    late = (begin > 0.5 - 1e-6) & (begin < 2 - 1e-6)
    wrong = []
    for space, expected in TABLE.items():
        r = fits["sound", "measured", space]["test_r"].astype(np.float64)
        means = r.mean(), r[:, late].mean()
        print(f"{space:32} {means[0]:.4f} {means[1]:.4f}")
        if any(abs(a - b) > 0.0005 for a, b in zip(means, expected)):
            wrong.append(f"{space}: {means}, not {expected}")
    return wrong


def compare(study, folder, precision, only):
    """Fit a whole study; what is wrong with the fits that `only` picks, and the run's folder."""
    run = os.path.join(folder, f"{study.name}-{precision}")
    done = chiasm_fit(study, run, "--precision", precision)
    if done.returncode != 0:
        return [f"{run}: exit code {done.returncode}\n{done.stdout}"], None
    wrong, compared = Reference(study).disagreements(run, precision, only)
    print(f"{run}: {compared} fits compared, {len(wrong)} disagreements", flush=True)
    return wrong + ([] if compared else ["nothing was compared"]), run


def whole_analysis(study, folder):
    """chiasm run: the trained audio network beats its random twin, and sound categories beat modulation,
    at most sites, as the table's means say."""
    run = os.path.join(folder, "run")
    command = shlex.split(os.environ["CHIASM_MPIRUN"]) + [
        "-n", "2", os.environ["CHIASM"], "run", str(study), "-o", run]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit(100))
    if done.returncode != 0:
        return [f"{run}: exit code {done.returncode}\n{done.stdout}"]
    with open(os.path.join(run, "sites.csv"), newline="") as f:
        rows = list(csv.DictReader(f))
    wrong = []
    for comparison in ("trained-beats-random", "category-beats-modulation"):
        of = [r for r in rows if r["comparison"] == comparison]
        found = sum(r["significant"] == "1" for r in of)
        print(f"{comparison}: {found} of {len(of)} sites")
        if len(of) != 32 or found < 20:
            wrong.append(f"{comparison}: {found} of {len(of)} sites, expected 20 or more of 32")
    return wrong


def main():
    if not (DATA / "natsound165").is_dir():
        print(f"{DATA}/natsound165 is not there: skipped")
        return SKIPPED
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        wrong, run = compare(DATA / "natsound165", folder, "mixed", lambda a, s, space: True)
        if run:
            wrong += table_disagreements(run)
        wrong += whole_analysis(DATA / "natsound165", folder)
        picked = {("p03", "category/onehot"), ("p11", "modulation/spectrotemporal"),
                  ("p07", "embedding-net/pool5"), ("p15", "embedding-net-random/pool1")}
        wrong += compare(DATA / "natsound165-patients", folder, "double",
                         lambda a, subject, space: (subject, space) in picked)[0]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
