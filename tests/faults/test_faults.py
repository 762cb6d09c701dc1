"""Kills, stops, pauses, disks that are full or fail, files that vanish, damage: after --resume the same bytes as of a
run that nothing happened to.

    test_faults.py FOLDER STAGE make        the study and the undisturbed run of fit, bootstrap, sites or run, there
    test_faults.py FOLDER STAGE NAME        one test of that stage, with what is there
"""
import os
import shutil
import sys
import tempfile
from pathlib import Path

from faults import damage, ends, places, tenants  # noqa: F401, they register their tests
from faults.disks import Skip
from faults.registry import TESTS
from faults.stages import STAGES
from limits import wait_for
from program import processes_of


def main():
    made, name, what = Path(sys.argv[1]), *sys.argv[2:]
    if what == "make":
        shutil.rmtree(made, ignore_errors=True)
        STAGES[name](made)
        return 0
    function, own = TESTS[what]
    with tempfile.TemporaryDirectory(prefix="chiasm-fault-") as top:
        if os.getuid() == 0:
            os.chmod(top, 0o755)  # some jobs run as another user
        top = Path(top)
        try:
            function(STAGES[name](top / "stage" if own else made), top)
        except Skip as why:
            print(f"skipped: {why}")
            return 77
        finally:
            wait_for(lambda: not processes_of(top), lambda: f"left behind: {processes_of(top)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
