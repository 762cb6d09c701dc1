"""chiasm check on damaged HDF5 files: bytes flipped at random, with a fixed seed. It must end by itself,
soon, with exit code 0 (the damage lies where nothing is read) or 2. CHIASM_FUZZ=N damages them so often, CHIASM_SEED=N
otherwise."""
import os
import subprocess
import sys
import tempfile

import numpy as np

from limits import limit
from study_maker import make_study

CHIASM = os.environ["CHIASM"]


def main():
    flips = int(os.environ.get("CHIASM_FUZZ") or 60)
    rng = np.random.default_rng(int(os.environ.get("CHIASM_SEED") or 1))
    codes = {}
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        study = make_study(os.path.join(folder, "s"), n=20, bins=3, models={"netA": {"a": 4, "b": 3}},
                           region=list("abc"), xyz=np.ones((3, 3)),
                           storage=dict(chunks=(10, 3, 3), compression="gzip", shuffle=True))
        names = ("responses/s1.language.h5", "features/s1.language/netA.h5")
        whole = {name: open(os.path.join(study, name), "rb").read() for name in names}
        # most of a small HDF5 file is unused space: damage there proves nothing
        used = {name: np.flatnonzero(np.frombuffer(whole[name], np.uint8)) for name in names}
        for i in range(flips):
            name = names[i % 2]
            damaged = bytearray(whole[name])
            for at in rng.choice(used[name], rng.integers(1, 4)):
                damaged[at] = rng.integers(256) if rng.random() < 0.5 else damaged[at] ^ (1 << rng.integers(8))
            with open(os.path.join(study, name), "wb") as f:
                f.write(damaged)
            try:
                done = subprocess.run([CHIASM, "check", study, "--folds", "2"], capture_output=True, timeout=limit(60))
                code = done.returncode
            except subprocess.TimeoutExpired:
                code = "timeout"
            codes[code] = codes.get(code, 0) + 1
            # AddressSanitizer sees what HDF5 gets away with otherwise
            if code == 1 and b"AddressSanitizer" in done.stderr and b"libhdf5" in done.stderr:
                code = "HDF5's own"
            if code not in (0, 2, "HDF5's own"):
                failed += 1
                print(f"FAILED flip {i} of {name}: {code}", done.stderr.decode(errors="replace")[-2000:])
                with open(os.path.join(tempfile.gettempdir(), f"fuzz-{i}.h5"), "wb") as f:
                    f.write(damaged)
            with open(os.path.join(study, name), "wb") as f:
                f.write(whole[name])
    print("exit codes:", codes)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
