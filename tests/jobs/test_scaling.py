"""jobs/scaling.sh on this machine, with a tiny planted study."""
import csv
import os
import subprocess
import tempfile
from pathlib import Path

from limits import limit

SCRIPT = Path(__file__).parents[2] / "jobs/scaling.sh"
PLANTED = "--events 120 --electrodes 2 --bins 5 --alignments language"


def scaling(*arguments):
    return subprocess.run(["bash", SCRIPT, *map(str, arguments)], capture_output=True, text=True,
                          timeout=limit(100))


def main():
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "a folder"
        nothing = scaling(out, "--collect")
        assert nothing.returncode == 1 and "no job of scaling.sh has ended" in nothing.stderr, nothing
        done = scaling(out, "--ranks", "1,2", "--planted", PLANTED)
        assert done.returncode == 0, done
        with open(out / "scaling.csv", newline="") as file:
            rows = {(row["kind"], int(row["ranks"])): row for row in csv.DictReader(file)}
        assert set(rows) == {("strong", 1), ("strong", 2), ("weak", 1), ("weak", 2)}, rows
        for (kind, ranks), row in rows.items():
            wall, base = float(row["wall_s"]), float(rows[kind, 1]["wall_s"])
            speedup = base / wall * (ranks if kind == "weak" else 1)
            assert abs(float(row["speedup"]) - speedup) < 1e-3, row
            assert abs(float(row["efficiency"]) - speedup / ranks) < 1e-3, row
            parts = [float(row[f"{part}_s"]) for part in ("computed", "read", "wrote", "waited", "other")]
            assert min(parts) >= 0 and abs(sum(parts) - wall) < 1e-2, row
        # the study of weak scaling grows with the ranks
        models = [int((out / f"weak-{ranks}/run/log.txt").read_text().split("encoding models: ")[1].split(",")[0])
                  for ranks in (1, 2)]
        assert models[1] == 2 * models[0], models
        for wrong in (["--ranks", "two"], ["--threads", "0"], ["--nothing"], ["--study"]):
            refused = scaling(out, *wrong)
            assert refused.returncode == 1 and "usage: bash jobs/scaling.sh" in refused.stderr, refused


if __name__ == "__main__":
    os.environ.pop("SLURM_JOB_ID", None)
    main()
