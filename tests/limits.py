"""How long a test waits for what must come: longer on slow machines and under sanitizers, by one factor.

A limit is there so that a test which hangs ends with a word; nothing is asserted on how soon something comes."""
import os
import time

SLOWER = float(os.environ.get("CHIASM_SLOWER") or 1)


def limit(seconds):
    """Seconds at most for what takes a fraction of that on an idle machine."""
    return seconds * SLOWER


def wait_for(condition, what, seconds=60, job=None, every=0.005):
    """The condition's value once it holds. what: said (or made by a call) if it never does; job: must go on so long,
    and what it printed is said too."""
    end = time.monotonic() + limit(seconds)
    while not (found := condition()):
        why = "it ended too soon" if job and not job.runs() else "too late" if time.monotonic() > end else None
        if why and not (found := condition()):
            raise AssertionError(f"{why}: {what() if callable(what) else what}\n{job.printed() if job else ''}")
        if found:
            break
        time.sleep(every)
    return found
