"""jobs/sweep-array.sbatch in a real SLURM: submitted by one line, a task stopped at its limit, the runs joined.

    test_array.py [NAME]...      only these tests
"""
import re
import shutil

from gates import Gate
from jobs.cases import OPTIONS, run_tests
from jobs.slurm import JOBS, Job, check_same, chiasm, held, shell
from program import CHIASM

MODELS = ("concat", "language-net", "multimodal-net", "vision-net")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Array:
    """A submitted array and the job after it. left: the models that are not complete, in order, each a task."""

    def __init__(self, case, run, *options, study, left, at_once="", gate=""):
        self.folder, self.run = case.folder, run
        out = self.folder / f"{run.name}.%j.out"
        self.line = ("bash", JOBS / "sweep-array.sbatch", "-n", 2, "--time=30", "-o", out, "--", study,
                     run, *options)
        self.said = case.slurm.ask(*self.line, CHIASM_TASKS_AT_ONCE=str(at_once), CHIASM_GATE=gate)
        found = re.findall(r"^chiasm: job (\d+): (an array of (\d+)|joins)", self.said, re.M)
        assert int(found[0][2]) == len(left), self.said
        self.task = {model: Job(case.slurm, f"{found[0][0]}_{i}", self.part(model).with_name(f"{model}.log"))
                     for i, model in enumerate(left)}
        merge = found[1][0]
        self.merge = Job(case.slurm, merge, self.folder / f"{run.name}.{merge}.out")

    def part(self, model):
        return self.run.parent / f"{self.run.name}.parts" / model

    def slurm_says(self):
        """What is in SLURM's own files of all tasks."""
        return "".join(path.read_text() for path in self.folder.glob(f"{self.run.name}.*.out"))


def smaller_study(case, name, models):
    """The study with some of its models."""
    study = case.folder / name
    shutil.copytree(case.study, study)
    for file in study.glob("features/*/*.h5"):
        if file.stem not in models:
            file.unlink()
    (study / "study.yaml").unlink()  # it compares some of the others
    return study


def one_run(case, study, name):
    """The same by one job alone."""
    run = case.folder / name
    done = shell(CHIASM, "run", study, "-o", run, *OPTIONS)
    assert done.returncode == 0, done.stdout
    return run


@test
def array(case):
    """One task is stopped and requeued alone; the job after it waits for that; a model comes later."""
    study = smaller_study(case, "a small study", MODELS)
    run = case.folder / "the array"
    with Gate("bootstrap.unit") as gate:
        array = Array(case, run, *OPTIONS, study=study, left=MODELS, gate=gate.entry)
        held(gate, array.part("multimodal-net"), array.merge)
        stopped = array.task["multimodal-net"]
        stopped.signal_batch()
        stopped.wait("SLURM says that time runs short")
        gate.wait_signal(2)
    stopped.wait("requeued")
    array.merge.end(0)
    for model, task in array.task.items():
        starts = 1 + (task == stopped)
        assert task.facts()["Restarts"] == str(starts - 1) and task.starts() == starts, (model, task.printed())
        assert f"model {model}: the log is {task.out}" in array.slurm_says()
    assert "SLURM says" not in array.slurm_says()
    check_same(run, one_run(case, study, "its models in one"))
    again = shell(*array.line, env=case.slurm.env)
    assert again.returncode == 2 and "remove it" in again.stdout, again.stdout

    shutil.rmtree(run)
    name = "vision-net-random.h5"
    shutil.copy(next(case.study.glob(f"features/*/{name}")), next(study.glob("features/*")) / name)
    more = Array(case, run, *OPTIONS, study=study, left=["vision-net-random"])
    more.merge.end(0)
    check_same(run, one_run(case, study, "with one more in one"))


@test
def incomplete(case):
    """A task that is cancelled: nothing is joined, and the same line goes on."""
    study = smaller_study(case, "two models", ("concat", "vision-net"))
    run = case.folder / "incomplete"
    with Gate("bootstrap.unit") as gate:
        array = Array(case, run, *OPTIONS, study=study, left=("concat", "vision-net"), at_once=1, gate=gate.entry)
        held(gate, array.part("concat"), array.merge)
        case.slurm.ask("scancel", array.task["vision-net"].name)
    array.merge.end(3, "not complete are", "vision-net")
    assert not run.exists()
    again = Array(case, run, *OPTIONS, study=study, left=["vision-net"])
    again.merge.end(0)
    assert chiasm("status", run).returncode == 0


@test
def refused(case):
    """What is wrong with the line is said before anything is submitted."""
    def line(*words):
        done = shell("bash", JOBS / "sweep-array.sbatch", *words, env=case.slurm.env, cwd=case.folder)
        assert done.returncode == 2, done.stdout
        return done.stdout
    run = case.folder / "refused"
    assert "usage" in line(case.study, run)
    assert "fits none" in line("--", case.study, run, "--models", "nothing")
    assert "no option --modles" in line("--", case.study, run, "--modles", "x")
    assert "needs a value" in line("--", case.study, run, "--models")
    assert "no such folder" in line("--", case.folder / "none", run)
    assert "--no-keep-replicates" in line("--", case.study, run, "--no-keep-replicates")
    assert not run.with_name("refused.parts").exists()
    assert not re.search(r"refused", case.slurm.ask("squeue", "-h", "-o", "%o"))


if __name__ == "__main__":
    run_tests(TESTS)
