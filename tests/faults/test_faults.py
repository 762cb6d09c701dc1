"""Kills, stops, pauses, disks that are full or fail, files that vanish, damage: after --resume the same bytes as of a
run that nothing happened to. One stage at a time, see stages.py.

    test_faults.py STAGE [NAME]...   fit, bootstrap, sites or run; only these tests
    CHIASM_FAULTS=N                  kill N times, not 3
    CHIASM_SEED=N                    at other moments
"""
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import damage, ends, places, tenants  # noqa: F401, they register their tests
from faults.disks import Skip
from faults.jobs import processes_of
from faults.registry import TESTS
from faults.stages import STAGES


def told(error):
    """What went wrong and where; of a bare assertion what the names in its function were."""
    text = "".join(traceback.format_exception(error))
    frame = [f for f, _ in traceback.walk_tb(error.__traceback__)][-1]
    names = "".join(f"    {name} = {value!r:.500}\n" for name, value in frame.f_locals.items())
    return text if str(error) else text + names


def attempt(function, stage, top):
    """Do one test and say how it went."""
    start, wrong, folder = time.monotonic(), None, top / function.__name__
    folder.mkdir()
    try:
        function(stage, folder)
        begin = time.monotonic()
        while processes_of(folder):
            assert time.monotonic() < begin + 10, f"left behind: {processes_of(folder)}"
            time.sleep(0.05)
    except Skip as why:
        print(f"  skipped: {why}")
    except Exception as error:  # all of them in one go
        wrong = told(error)
    print(f"{'FAILED' if wrong else 'passed'} {function.__name__} ({time.monotonic() - start:.1f} s)\n{wrong or ''}",
          end="", flush=True)
    return wrong is None


def main():
    name, names = sys.argv[1], sys.argv[2:]
    wanted = [(f, b) for f, stages, b in TESTS if name in stages and (not names or f.__name__ in names)]
    failed = 0
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(1) as other:
        stage = STAGES[name](Path(top))
        print(f"undisturbed: {stage.seconds:.1f} s", flush=True)
        waiting = [other.submit(attempt, f, stage, Path(top)) for f, beside in wanted if beside]
        for get in [lambda f=f: attempt(f, stage, Path(top)) for f, beside in wanted if not beside] + [
                w.result for w in waiting]:
            failed += not get()
    print(f"{len(wanted) - failed} of {len(wanted)} passed")
    return failed > 0 or not wanted


if __name__ == "__main__":
    sys.exit(main())
