"""A run goes on with the BLAS kernel it was begun with, or not at all: others round differently."""
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from limits import limit
from program import CHIASM, said
from study_maker import make_study


def fit(study, run, kernel, *options):
    return subprocess.run([CHIASM, "fit", study, "-o", run, *options], capture_output=True, text=True,
                          timeout=limit(60), env={**os.environ, "OPENBLAS_CORETYPE": kernel})


def main():
    if platform.machine() != "x86_64":
        return 77
    with tempfile.TemporaryDirectory() as folder:
        study, run = Path(folder) / "study", Path(folder) / "run"
        make_study(study)
        first = fit(study, run, "Nehalem")  # every x86-64 processor has these two
        assert first.returncode == 0, first.stderr
        said(fit(study, run, "Core2", "--resume"), 2, "kernel Nehalem", "OPENBLAS_CORETYPE=Nehalem")
        again = fit(study, run, "Nehalem", "--resume")
        assert again.returncode == 0, again.stderr
    return 0


if __name__ == "__main__":
    sys.exit(main())
