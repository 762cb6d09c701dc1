"""Errors under mpirun: printed once, exit code 2, no hanging."""
import os
import signal

from program import CHIASM, chiasm, refused, run_tests, said, succeeded
from study_maker import make_study


def test_line_refused_once():
    refused(chiasm("fit", "study", "--flods", 3, ranks=3), "unknown option --flods", "--folds")
    refused(chiasm("fti", ranks=3), "unknown command")
    refused(chiasm("fit", "study", ranks=3), "-o RUN")


def test_file_refused_once():
    make_study("study", yaml="options: {flods: 3}\n")
    refused(chiasm("fit", "study", "-o", "run", ranks=3), "study.yaml: line 1: unknown key `flods`")
    refused(chiasm("fit", "study", "-o", "run", "-c", "nothing.yaml", ranks=3), "nothing.yaml")


def test_no_study():
    refused(chiasm("fit", "nothing", "-o", "run", ranks=2), "nothing")


def test_commands_of_one_process():
    make_study("study")
    for line in (("check", "study"), ("status", "run"), ("simulate", "new")):
        refused(chiasm(*line, ranks=2), f"chiasm {line[0]} is one process", "without mpirun")
    assert "encoding models" in succeeded(chiasm("check", "study", ranks=1))


def test_help_printed_once():
    text = succeeded(chiasm("fit", "--help", ranks=3))
    assert text.count("Usage: chiasm fit") == 1


def test_other_launcher():
    """Processes that do not find each other, as of the mpiexec of another MPI, leave a run alone: one says why."""
    make_study("study")
    for says in ({"PMI_RANK": 0, "PMI_SIZE": 2}, {"SLURM_PROCID": 0, "SLURM_STEP_NUM_TASKS": 2}):
        says = {name: str(value) for name, value in says.items()}
        refused(chiasm("fit", "study", "-o", "run", env=os.environ | says), "do not find each other", *list(says)[:1])
        refused(chiasm("fit", "study", "-o", "run", "--flods", 1, env=os.environ | says), "unknown option --flods")
    for says in ({"PMI_RANK": "1", "PMI_SIZE": "2"}, {"PMIX_RANK": "1"}):
        done = chiasm("fit", "study", "-o", "run", "--overwrite", env=os.environ | says)
        assert done.returncode == 2 and done.stdout + done.stderr == "", done
    assert not os.path.exists("run")
    in_batch_script = {"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}
    succeeded(chiasm("fit", "study", "-o", "run", env=os.environ | in_batch_script))


def test_signal_while_it_starts():
    """Before MPI is up, before main even: the job stops where it can be gone on with."""
    def ask():
        signal.pthread_sigmask(signal.SIG_BLOCK, [number])
        os.kill(os.getpid(), number)
    make_study("study")
    for number in (signal.SIGUSR1, signal.SIGTERM):
        run = f"run{number}"
        done = chiasm("fit", "study", "-o", run, preexec_fn=ask)
        assert done.returncode == 3 and "to go on: chiasm fit" in done.stdout, done
        assert chiasm("check", "study", preexec_fn=ask).returncode == -number


def test_little_address_space():
    """As schedulers limit it, of all ranks or of one: OpenBLAS would ask for its buffer for ever."""
    if "ASAN_OPTIONS" in os.environ:  # the sanitizer takes terabytes
        return
    make_study("study")
    fit = (CHIASM, "fit", "study", "-o", "run", "--threads")

    def limited(kilobytes, *line, which="-v", **keywords):
        script = f'[ "${{OMPI_COMM_WORLD_RANK:-1}}" != 1 ] || ulimit {which} {kilobytes}; exec "$@"'
        return chiasm("-c", script, "-", *line, program="bash", **keywords)
    for done in (limited(400000, *fit, 1), limited(900000, *fit, 4), limited(400000, *fit, 1, ranks=3)):
        said(done, 2, "address space is too small for the fits", "ulimit -v allows", "raise that limit")
    refused(limited(300000, *fit, 1, which="-d"), "address space is too small for the fits", "ulimit -d allows")
    said(limited(130000, *fit, 1, ranks=3), 2, "address space is too small for MPI", "ulimit -v allows")
    refused(limited(250000, CHIASM, "bench", "--events", 50, "--features", 9, "--targets", 9),
            "address space is too small for OpenBLAS")
    assert not os.path.exists("run")
    succeeded(limited(1000000, *fit, 1))


run_tests(dict(globals()))
