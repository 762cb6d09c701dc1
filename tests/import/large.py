"""How fast a long recording is imported, and in how much memory: a treebank of 3 hours x 150 electrodes (27 GB), or a
share of it in time, is made in FOLDER, imported, and removed.

    CHIASM=build/dev/src/chiasm large.py FOLDER [--share 0.05] [--ranks 2] [OPTION of import]...
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

import h5py
import numpy as np

from treebank_maker import RATE, make_timings, make_treebank, write_timings, write_words


def make(root, hours, electrodes):
    labels = [f"S{i // 15}a{i % 15 + 1}" for i in range(electrodes)]
    make_treebank(root, labels=labels, corrupted=[], seconds=30, breaks=(), extra=1)
    rng = np.random.default_rng(0)
    n, piece = int(3600 * hours * RATE), 1 << 20
    noise = 20 * rng.standard_normal(piece)
    with h5py.File(f"{root}/sub_1_trial000.h5", "w") as f:
        for i in range(electrodes):
            d = f.create_dataset(f"data/electrode_{i}", (n,), "f8")
            for at in range(0, n, piece):
                d[at:at + piece] = np.roll(noise, 997 * i + at // 7)[:n - at]
    timings = make_timings(rng, 3600 * hours, [(200.3, 20)])
    write_timings(f"{root}/subject_timings/sub_1_trial000_timings.csv", timings)
    write_words(f"{root}/transcripts/fantastic-mr-fox/features.csv", rng, timings[-1][1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--ranks", type=int, default=2)
    args, options = parser.parse_known_args()
    root = os.path.join(args.folder, "large-treebank")
    try:
        make(root, 3 * args.share, 150)
        os.sync()
        mpirun = os.environ.get("CHIASM_MPIRUN", "mpirun").split()
        for ranks in sorted({1, args.ranks}):
            done = subprocess.run([*mpirun, "-n", str(ranks), os.environ["CHIASM"], "import", "brain-treebank", root, "-o",
                                   root + "/study", "--subject", "1", "--overwrite", *options], stderr=subprocess.PIPE,
                                  text=True)
            print(ranks, "ranks:", *re.findall(r"^(?:read .*|.* x .* bins)$", done.stderr, re.M), sep="\n  ")
            if done.returncode:
                sys.exit(done.stderr)
    finally:
        shutil.rmtree(root, ignore_errors=True)


main()
