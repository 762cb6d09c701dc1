"""Disks that are full, fail or are closed, and files that vanish, while a stage works."""
import contextlib
import os
import shutil
import subprocess

from faults.disks import Shim, Skip, SmallDisk
from faults.flags import flags
from faults.registry import test
from faults.stages import SITES
from inputs.job import as_somebody
from program import chiasm, contents, said


# ---- full disks

@test("fit", "influence", "bootstrap", "run")
def disk_too_small(stage, folder):
    """For what the stage writes: one line that says so, and no trace of it. With room --resume does it."""
    size = sum((stage.whole / name).stat().st_size for name in stage.inputs)
    with SmallDisk(folder / "disk", f"size={size // 1024 + 80}k,nr_inodes=100") as disk:
        run = stage.new(disk.path / "run")
        _, out = stage.start(run).end(1, text=(f"run/{stage.files[0]}: takes", "MB are free"))
        assert not list(run.glob(f"{stage.files[0]}*")), out
        assert stage.inputs or not run.exists(), out
        disk.grow("size=100m")
        stage.go_on(run)
        stage.check(run)


@test("run")
def second_file_too_large(stage, folder):
    """Room for the fit, none for the influences."""
    fit = (stage.whole / "fit.h5").stat().st_size
    with SmallDisk(folder / "disk", f"size={fit // 1024 + 220}k") as disk:  # of each some 0.2 MB are to stay free
        run = disk.path / "run"
        stage.start(run).end(1, text=("run/influence.h5: takes", "MB are free"))
        assert (flags(run / "fit.h5") == 1).all()
        assert chiasm("status", run).returncode == 3
        disk.grow("size=100m")
        assert "nothing is left to fit" in stage.go_on(run)
        stage.check(run)


@test("fit")
def no_room_for_names(stage, folder):
    """No room for one more file: --resume goes on."""
    with SmallDisk(folder / "disk", "size=100m,nr_inodes=4") as disk:  # the disk, the run, its lock and its options
        run = disk.path / "run"
        said(chiasm(*stage.line(run), ranks=2), 1, "fit.h5")
        assert not (run / "fit.h5").exists() and not (run / "fit.h5.tmp").exists()
        assert chiasm("status", run).returncode in (2, 3)
        disk.grow("nr_inodes=100")
        assert "starts from nothing" in stage.go_on(run)
        stage.check(run)


@test("fit", "bootstrap", "sites", "run")
def disk_fills_up(stage, folder):
    """What is begun has had its room from the start; the log and status.json do not stop it. What comes later fails
    with one line."""
    with SmallDisk(folder / "disk", "size=8m") as disk:
        run = stage.new(disk.path / "run")
        if stage.name == "sites":
            disk.fill()
        with stage.held(run) as (job, _):
            if stage.name != "sites":
                disk.fill()
        job.end(*((0,) if stage.name in ("fit", "bootstrap") else (1,)))
        if stage.name == "sites":
            assert not [name for name in SITES if (run / name).exists()]
        disk.empty()
        stage.go_on(run)
        stage.check(run)


@test("bootstrap")
def no_room_to_drop(stage, folder):
    """A full disk has no room for the smaller file that --no-keep-replicates makes: the larger one stays."""
    with SmallDisk(folder / "disk", "size=8m") as disk:
        run = stage.new(disk.path / "run")
        with stage.held(run, "--no-keep-replicates") as (job, _):
            disk.fill()
        job.end(1, text=("bootstrap.h5: takes", "MB are free"))
        stage.check(run)
        disk.empty()
        stage.go_on(run, "--no-keep-replicates")
        assert (run / "bootstrap.h5").stat().st_size < (stage.whole / "bootstrap.h5").stat().st_size


# ---- disks that may not be written

@test("fit", "influence", "bootstrap", "sites", "run")
def disk_fails(stage, folder):
    """Writing ends with EROFS, as where Linux has met errors of a disk: one line, exit code 1, and --resume goes on."""
    run = stage.new(folder / "run")
    shim = Shim(folder, disk=run)
    with stage.held(run, env=shim.environment) as (job, _):
        shim.now()
    job.end(1, text=(str(run), "Read-only file system"), most=2)
    stage.go_on(run)
    stage.check(run)


@test("fit", "bootstrap", "sites", "run", own=True)
def folder_is_closed(stage, folder):
    """By its owner, to its own jobs: files that are open already go on, a new one fails with one line."""
    how = as_somebody(folder)
    if how is None:
        raise Skip("no other user can run the program here")
    run = stage.new(folder / "open/run")
    if run.exists():
        for path in (run, *run.iterdir()):
            shutil.chown(path, (folder / "open").stat().st_uid)
    if stage.name == "sites":
        close(run, True)
        before = contents(run)
        job = stage.start(run, **how)
    else:
        with stage.held(run, **how) as (job, _):
            close(run, True)
    if stage.name in ("sites", "run"):
        job.end(1, text=(str(run), "ermission denied"))
        assert stage.name == "run" or contents(run) == before
    else:
        job.end(0)
    close(run, False)
    stage.go_on(run, **how)
    stage.check(run)


def close(run, closed):
    for path in run.iterdir():
        os.chmod(path, 0o444 if closed else 0o644)
    os.chmod(run, 0o555 if closed else 0o755)


@test("bootstrap", own=True)
def folder_was_closed(stage, folder):
    """Before the job starts: one line, and nothing is changed."""
    how = as_somebody(folder)
    if how is None:
        raise Skip("no other user can run the program here")
    for whole, options in ((False, ()), (True, ("--resume",)), (True, ("--overwrite",))):
        run = stage.new(folder / f"run{len(options)}{whole}{options}", whole)
        close(run, True)
        before = contents(run)
        said(chiasm(*stage.line(run, *options), **how), 1, str(run), "ermission")
        assert contents(run) == before
        close(run, False)


# ---- files that vanish

@contextlib.contextmanager
def away(path):
    """A file or folder of the study, out of reach."""
    os.rename(path, path.parent / "gone")
    try:
        yield
    finally:
        os.rename(path.parent / "gone", path)


@test("fit", "influence", "bootstrap", "run", own=True)
def features_vanish(stage, folder):
    """What cannot be read fails alone, and is done once it is back."""
    run = stage.new(folder / "run")
    with contextlib.ExitStack() as later:
        with stage.held(run) as (job, _):
            later.enter_context(away(stage.study / "features"))
        job.end(1, text=("failed units: ", "features/", "there is no such file"))
        assert set(flags(run / stage.files[0])) == {1, 2}
        assert chiasm("status", run).returncode == (1 if stage.name != "run" else 3)
        before = contents(run)
        said(chiasm(*stage.line(run, "--resume"), ranks=2), 2, "features: there is no such file or folder")
        assert contents(run) == before
    stage.go_on(run)
    stage.check(run)


@test("fit", "bootstrap", own=True)
def responses_vanish(stage, folder):
    """One process holds the responses of one recording: those of the other cannot be read any more."""
    run = stage.new(folder / "run")
    with contextlib.ExitStack() as later:
        with stage.held(run, ranks=0) as (job, _):
            later.enter_context(away(stage.study / "responses"))
        job.end(1, text=("failed units: ", "responses/", "there is no such file"))
    assert set(flags(run / stage.files[0])) == {1, 2}
    stage.go_on(run)
    stage.check(run)


@test("fit", "influence", "bootstrap", "run")
def own_file_vanishes(stage, folder):
    """The file that it writes is removed: found at the end at the latest, and made again."""
    run = stage.new(folder / "run")
    with stage.held(run) as (job, _):
        os.remove(run / stage.files[0])
    job.end(1, text=stage.files[0])
    stage.go_on(run)
    stage.check(run)


@test("run")
def fit_vanishes(stage, folder):
    """fit.h5, while the bootstrap works."""
    run = stage.new(folder / "run")
    with stage.held(run, place="bootstrap.unit") as (job, _):
        os.rename(run / "fit.h5", folder / "fit.h5")
    job.end(1, 2, text="fit.h5")
    os.rename(folder / "fit.h5", run / "fit.h5")
    stage.go_on(run)
    stage.check(run)


@test("sites")
def inputs_vanish(stage, folder):
    for name in stage.inputs:
        run = stage.new(folder / f"without-{name}")
        os.rename(run / name, folder / name)
        stage.start(run).end(2, text=name)
        os.rename(folder / name, run / name)
        stage.go_on(run)
        stage.check(run)


@test("fit", "bootstrap")
def little_shared_memory(stage, folder):
    """/dev/shm too small for the responses: a warning, and every rank has its own copy. One that cannot be written is
    done without."""
    for how, text in (("size=10250k", "in /dev/shm"), ("ro", ())):
        prefix = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o {how} none /dev/shm && exec "$@"', "sh")
        if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
            raise Skip("no right to mount a small /dev/shm")
        run = stage.new(folder / how)
        stage.start(run, prefix=prefix).end(0, text=text)
        stage.check(run)
