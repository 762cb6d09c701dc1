"""Files of a run that are not what was written."""
import os

import h5py
import numpy as np

from faults.registry import test
from faults.stages import SITES
from program import chiasm


def flip(path, places):
    """places: (dataset, index, what to do with the byte there)"""
    data = bytearray(path.read_bytes())
    with h5py.File(path) as f:
        for name, at, change in places:
            d = f["language"][name]
            at = d.id.get_offset() + d.dtype.itemsize * int(np.ravel_multi_index(at, d.shape))
            data[at] = change(data[at])
    path.write_bytes(data)


def bit(byte):
    return byte ^ 0x10


@test("fit")
def flipped_scores(stage, folder):
    """Written scores that are not what was written are named, and made again; flags that are none too."""
    run = stage.new(folder / "run", True)
    with h5py.File(run / "fit.h5") as f:
        space, site = f["language/feature_space"].asstr()[5], f["language/site"].asstr()[9]
    flip(run / "fit.h5", [("test_r", (5, 9, 3), bit), ("done", (7, 2), lambda _: 77)])
    out = stage.go_on(run)
    named = [line for line in out.splitlines() if space in line and site in line]
    assert len(named) == 1 and "calculated again" in named[0], out
    stage.check(run)


@test("bootstrap")
def flipped_replicates(stage, folder):
    """The same; and a summary is never believed."""
    run = stage.new(folder / "run", True)
    flip(run / "bootstrap.h5", [("test_r", (1, 7, 120, 3), bit), ("val_r", (0, 2, 0, 0), bit),
                                ("val_r", (0, 2, 149, 10), bit), ("checksum", (0, 11, 1), bit),
                                ("done", (1, 0, 2), bit), ("val_r_mean", (0, 0, 0), bit)])
    out = stage.go_on(run, ranks=3)
    assert "language netA: the replicates of 3 blocks" in out, out
    assert "language netA-random: the replicates of 1 block" in out, out
    assert "4 blocks of replicates were cut short when the last job ended" in out, out
    stage.check(run)


@test("fit", "influence", "bootstrap")
def garbage_beside(stage, folder):
    """status.json, log.txt and files that were not finished hold nothing that a --resume needs."""
    run, name = stage.new(folder / "run", True), stage.files[0]
    (run / "status.json").write_bytes(bytes(range(256)))
    for unfinished in (name, "config.yaml", "status.json"):
        (run / f"{unfinished}.tmp").write_text("half")
    (run / "log.txt").write_bytes(bytes(range(256)))
    assert chiasm("status", run).returncode == 0
    stage.go_on(run)
    stage.check(run)


@test("bootstrap")
def later_files(stage, folder):
    """--overwrite takes the later stages' files away."""
    run = stage.new(folder / "run", True)
    for name in (*SITES, "report.html", "notes.txt"):
        (run / name).write_text("old")
    before = (run / "fit.h5").read_bytes()
    stage.go_on(run, "--overwrite", resume=False, ranks=3)
    stage.check(run)
    assert (run / "fit.h5").read_bytes() == before
    left = {p.name for p in run.iterdir()}
    assert left == {"bootstrap.h5", "config.yaml", "fit.h5", "lock", "log.txt", "notes.txt", "status.json"}, left


@test("sites")
def garbage_of_sites(stage, folder):
    """Halves of files, finished and not, of an earlier comparison."""
    run = stage.new(folder / "run", True)
    for name in SITES:
        (run / name).write_text("half")
        (run / f"{name}.tmp").write_text("half")
    stage.go_on(run)
    stage.check(run)
