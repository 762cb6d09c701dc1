"""Kills, torn writes, locks and --resume: the same bytes as an undisturbed run."""
import shutil

import h5py
import numpy as np

from compare_runs import differences
from driver import main, ok, refused, start
from gates import Gate, environment
from limits import wait_for


def flags(folder):
    with h5py.File(folder / "fit.h5", "r") as file:
        return np.concatenate([file[a]["done"][()].ravel() for a in file])


def test_kill(folder):
    """kill -9 of mpirun or of one rank: the file opens, and a resume completes it."""
    ok(1, "new", folder / "whole", "scale=20")
    for count, whom in enumerate(("mpirun", 1, 0)):
        path = folder / f"run{count}"
        with Gate("driver.unit", count=max(count, 1)) as gate:
            job = start(3, "new", path, "scale=20", env=environment(gate))
            gate.wait(3, job)
            job.kill(whom)
        job.end()
        assert set(flags(path)) <= {0, 1}  # h5py opens it
        assert "torn 0" in ok(2, "resume", path, "scale=20")  # also while ranks of the killed job live on
        assert differences(folder / "whole/fit.h5", path / "fit.h5") == []


def test_resume_only_what_is_left(folder):
    ok(1, "new", folder / "run", "units=3")
    before = flags(folder / "run")
    assert 0 < before.sum() < before.size
    ok(1, "resume", folder / "run", "units=0")
    assert (flags(folder / "run") == before).all()


def test_failed_is_tried_again(folder):
    ok(1, "new", folder / "whole")
    ok(2, "new", folder / "run", "fail=1")
    with h5py.File(folder / "run/fit.h5") as file:
        assert (file["language/done"][()] == np.array([1, 2, 1, 1])[:, None]).all()
        assert np.isnan(file["language/val_r"][1]).all() and (file["language/checksum"][1] == 0).all()
    ok(2, "resume", folder / "run", "units=0")
    assert set(flags(folder / "run")) == {0, 1}
    ok(2, "resume", folder / "run")
    assert differences(folder / "whole/fit.h5", folder / "run/fit.h5") == []


def test_failed_leaves_no_scores(folder):
    """Scores whose flag was not reached before a kill do not survive a failure of their unit."""
    ok(1, "new", folder / "run")
    with h5py.File(folder / "run/fit.h5", "r+") as file:
        file["vision/done"][2, 1] = 0
    ok(1, "resume", folder / "run", "fail=2")
    with h5py.File(folder / "run/fit.h5") as file:
        assert file["vision/done"][2].tolist() == [1, 2]
        assert np.isnan(file["vision/test_r"][2, 1]).all() and not np.isnan(file["vision/test_r"][2, 0]).any()


def test_torn(folder):
    """Every score that does not fit its checksum is found, named and made again."""
    ok(1, "new", folder / "whole", "scale=3")
    for ranks in (1, 3):
        path = folder / f"torn{ranks}"
        shutil.copytree(folder / "whole", path)
        with h5py.File(path / "fit.h5", "r+") as file:
            file["language/val_r"][0, 4, 6] += np.float32(1e-7)
            file["language/alpha"][2, 14, 0] = 99
            file["language/alpha"][2, 3, 0] = 99
            file["vision/test_r"][3, 0, 0] = np.nan
            file["vision/checksum"][1, 5] = 12345
        out = ok(ranks, "resume", path, "scale=3")
        assert "torn 5" in out, out
        assert "language blind/l1: the scores of 1 site: s1/e4, were cut short" in out, out
        assert "language slip-combo/blocké: the scores of 2 sites, from s1/e3 on, were cut short" in out, out
        assert out.count("cut short") == 4
        assert "cut short" in (path / "log.txt").read_text()
        assert differences(folder / "whole/fit.h5", path / "fit.h5") == []


def test_bytes_flipped(folder):
    """Straight in the file, as a bad disk would."""
    ok(1, "new", folder / "run")
    shutil.copytree(folder / "run", folder / "bad")
    with h5py.File(folder / "bad/fit.h5") as file:
        at = file["language/test_r"].id.get_offset() + 4 * 7 * 6 + 2
    data = bytearray((folder / "bad/fit.h5").read_bytes())
    data[at] ^= 255
    (folder / "bad/fit.h5").write_bytes(data)
    assert "torn 1" in ok(2, "resume", folder / "bad")
    assert differences(folder / "run/fit.h5", folder / "bad/fit.h5") == []


def test_truncated(folder):
    ok(1, "new", folder / "whole")
    data = (folder / "whole/fit.h5").read_bytes()
    for n in (0, 3, 100, 2000, len(data) // 2, len(data) - 1):
        shutil.copytree(folder / "whole", folder / "run")
        (folder / "run/fit.h5").write_bytes(data[:n])
        out = ok(1 + n % 2, "resume", folder / "run")
        assert "starts from nothing" in out or "it was cut short" in out, out
        assert differences(folder / "whole/fit.h5", folder / "run/fit.h5") == []
        shutil.rmtree(folder / "run")


def test_crash_before_the_file(folder):
    ok(2, "resume", folder / "run")  # killed before there was even a folder
    for left in ([], ["lock"], ["lock", "config.yaml"], ["lock", "config.yaml", "fit.h5.tmp"]):
        shutil.rmtree(folder / "run")
        (folder / "run").mkdir()
        for name in left:
            (folder / "run" / name).write_text("half")
        assert "starts from nothing" in ok(1, "resume", folder / "run")
        assert not (folder / "run/fit.h5.tmp").exists() and set(flags(folder / "run")) == {1}
    (folder / "run/fit.h5.tmp").write_text("half")
    ok(1, "resume", folder / "run")
    assert not (folder / "run/fit.h5.tmp").exists()


def test_lock(folder):
    """Another job's run is left alone, its holder named; a resume waits for the other's end."""
    path = folder / "run"
    with Gate("driver.unit") as gate:
        job = start(2, "new", path, env=environment(gate))
        gate.wait(2, job)
        refused(2, "holds a run already", 1, "new", path)
        waiting = start(2, "resume", path)
        wait_for(lambda: "waiting up to 30 s" in waiting.printed(), "it does not wait", job=waiting)
    job.end(0)
    waiting.end(0)
    assert set(flags(path)) == {1}


main([test_kill, test_resume_only_what_is_left, test_failed_is_tried_again, test_failed_leaves_no_scores, test_torn,
      test_bytes_flipped, test_truncated, test_crash_before_the_file, test_lock])
