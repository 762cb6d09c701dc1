"""Files that may not be read and folders that may not be written. Root may do anything: as root, the jobs are run by
nobody."""
import os
import sys
import tempfile
from pathlib import Path

from inputs.job import as_somebody, fit, ok
from program import said
from study_maker import make_study

R = "responses/s1.language.h5"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        how = as_somebody(folder)
        if how is None:
            print("skipped: no other user can run the program here")
            return 77
        study = Path(make_study(folder / "study"))
        ok(study, folder / "open/run", **how)

        os.chmod(study / R, 0)
        said(fit(study, folder / "open/run2", **how), 2, R, "ermission")
        os.chmod(study / R, 0o644)

        os.chmod(study / "features/s1.language", 0)
        said(fit(study, folder / "open/run3", **how), 2, "features/s1.language", "ermission")
        os.chmod(study / "features/s1.language", 0o755)

        (folder / "closed").mkdir()
        os.chmod(folder / "closed", 0o555)
        said(fit(study, folder / "closed/run", **how), 1, "closed/run", "ermission")

        os.chmod(folder / "open/run/fit.h5", 0o444)
        os.chmod(folder / "open/run/lock", 0o444)
        said(fit(study, folder / "open/run", "--resume", **how), 1, "open/run/")
        os.chmod(folder / "closed", 0o755)
    print("5 cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
