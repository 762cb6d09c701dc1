"""Files that may not be read and folders that may not be written. Root may do anything: as root, the jobs are run by
nobody."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from inputs.job_as_user import CHIASM, complaint, fit
from study_maker import make_study

R = "responses/s1.language.h5"


def run_as_somebody(folder):
    """The keywords for fit() that make it run as a user without rights to all."""
    program = shutil.copy(CHIASM, folder / "chiasm")
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder / "tmp")}
    (folder / "tmp").mkdir()
    prefix = ()
    if os.getuid() == 0:
        prefix = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        os.chmod(folder, 0o755)
        os.chown(folder / "tmp", 65534, 65534)
        if subprocess.run([*prefix, program, "--version"], capture_output=True).returncode != 0:
            print("skipped: no other user can run the program here")
            sys.exit(77)
    return dict(program=str(program), prefix=prefix, env=environment, cwd=folder)


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        how = run_as_somebody(folder)
        owner = 65534 if os.getuid() == 0 else os.getuid()
        study = Path(make_study(folder / "study"))
        (folder / "open").mkdir()
        os.chown(folder / "open", owner, -1)

        end = fit(study, folder / "open/run", **how)
        wrong.append(("a good study", complaint(end, 0)))

        os.chmod(study / R, 0)
        end = fit(study, folder / "open/run2", **how)
        wrong.append(("an unreadable file", complaint(end, 2, R, "ermission")))
        os.chmod(study / R, 0o644)

        os.chmod(study / "features/s1.language", 0)
        end = fit(study, folder / "open/run3", **how)
        wrong.append(("an unreadable folder", complaint(end, 2, "features/s1.language", "ermission")))
        os.chmod(study / "features/s1.language", 0o755)

        (folder / "closed").mkdir()
        os.chmod(folder / "closed", 0o555)
        end = fit(study, folder / "closed/run", **how)
        wrong.append(("a folder that may not be written", complaint(end, 1, "closed/run", "ermission")))

        os.chmod(folder / "open/run/fit.h5", 0o444)
        os.chmod(folder / "open/run/lock", 0o444)
        end = fit(study, folder / "open/run", "--resume", **how)
        wrong.append(("a run that may not be written", complaint(end, 1, "open/run/")))
        os.chmod(folder / "closed", 0o755)
    failed = [f"FAILED {name}: {why}" for name, why in wrong if why]
    print("\n".join(failed) or f"{len(wrong)} cases")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
