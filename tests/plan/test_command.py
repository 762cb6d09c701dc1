"""chiasm plan: what can be counted is counted here again, and what can be wrong is refused."""
import json
import math
import os
import pathlib
import re

import h5py
import yaml

from gates import fault
from program import chiasm, refused, run_tests, succeeded

MACHINE = str(pathlib.Path(__file__).resolve().parent / "machine.yaml")
BLOCK = 50  # replicates of a unit


def make_study(name="study"):
    succeeded(chiasm("simulate", name, "--subjects", 2, "--electrodes", 10, "--events", 60, "--bins", 7,
                     "--features", 5, "--layers", 3))
    return name


def plan(*args, machine=MACHINE):
    return json.loads(succeeded(chiasm("plan", *args, "--machine", machine, "--json")))


def files_of(study):
    """Per recording: events, electrodes, bins; per layer: (recording, model, features); bytes of all files."""
    recordings, layers, size = {}, [], 0
    for path in sorted(pathlib.Path(study, "responses").glob("*.h5")):
        size += path.stat().st_size
        with h5py.File(path) as f:
            recordings[path.stem] = f["response"].shape
    for path in sorted(pathlib.Path(study, "features").glob("*/*.h5")):
        size += path.stat().st_size
        with h5py.File(path) as f:
            layers += [(path.parent.name, path.stem, f["layers"][name].shape[1]) for name in f["layers"]]
    return recordings, layers, size


def test_counts_are_those_of_the_files():
    study = make_study()
    recordings, layers, size = files_of(study)
    replicates = 120
    both = ("--uncertainty", "both", "--replicates", replicates)
    p = plan(study, *both)
    targets = {r: e * t for r, (n, e, t) in recordings.items()}
    # fit: a layer of a recording is a unit; every layer and every recording's responses are read once
    fit = p["fit"]
    assert fit["units"] == len(layers), (fit, len(layers))
    assert fit["models"] == sum(targets[r] for r, _, _ in layers)
    read = size + sum(4 * recordings[r][0] * features for r, _, features in layers)
    read += sum(4 * math.prod(shape) for shape in recordings.values())
    assert fit["read_bytes"] == read, (fit, read)
    assert fit["written_bytes"] == 3 * 4 * fit["models"]
    # bootstrap: each model's 3 layers at 10 electrodes, in blocks of replicates
    boot = p["bootstrap"]
    models = {(r, m) for r, m, _ in layers}
    assert boot["units"] == len(models) * 3 * math.ceil(replicates / BLOCK), boot
    assert boot["models"] == replicates * sum(targets[r] for r, _ in models)
    assert boot["written_bytes"] == 2 * 4 * boot["models"]
    # influences: the same layers, of 60 blocks of an event each at most
    influence = p["influence"]
    assert influence["units"] == len(models) * 3 and influence["models"] == sum(targets[r] for r, _ in models)
    assert influence["written_bytes"] == 2 * 4 * 60 * influence["models"]
    final = plan(study, *both, "--layer-selection", "final")
    assert final["bootstrap"]["units"] == len(models) * math.ceil(replicates / BLOCK)
    assert final["influence"]["units"] == len(models)
    whole = plan(study, *both, "--layer-selection", "all")
    assert whole["bootstrap"]["models"] == replicates * fit["models"]
    assert whole["influence"]["models"] == fit["models"]
    for kind, stages in (("influence", {"influence"}), ("bootstrap", {"bootstrap"})):
        assert {"influence", "bootstrap"} & set(plan(study, "--uncertainty", kind)) == stages


def test_seconds_follow_from_flops():
    """At 10 Gflop/s on a machine without other costs; the wait for messages is milliseconds."""
    study = make_study()
    both = ("--uncertainty", "both", "--replicates", 50)
    p = plan(study, *both)
    stages = ("fit", "influence", "bootstrap")
    for stage in stages:
        seconds = p[stage]["flops"] / 1e10
        assert seconds <= p[stage]["units_s"] < seconds + 0.05 + 1e-3 * p[stage]["units"], p[stage]
    assert abs(p["fit"]["prepare_s"] - 0.25) < 0.01 and abs(p["sites_s"] - 2) < 0.01
    parts = sum(p[s][k] for s in stages for k in ("prepare_s", "units_s", "finish_s"))
    assert abs(p["total_s"] - (p["start_s"] + parts + p["sites_s"])) < 1e-3 * p["total_s"]
    several = plan(study, *both, "--ranks", 3, "--start-per-rank", 0.125)
    assert (p["start_s"], several["start_s"]) == (0.5, 0.5 + 0.25 + 2 * 0.125)
    threads = plan(study, *both, "--threads", 4)
    for stage in stages:
        assert threads[stage]["units_s"] < p[stage]["units_s"]


def test_cores_that_are_busy_slow_each_other_down():
    """Twice the time with all four of the machine's cores at work; by a third of that with two."""
    study = make_study()
    pathlib.Path("busy.yaml").write_text(pathlib.Path(MACHINE).read_text().replace("busy: 1", "busy: 2"))
    for ranks, slower in ((1, 1), (2, 2 ** (1 / 3)), (4, 2)):
        options = (study, "--uncertainty", "bootstrap", "--replicates", 500, "--ranks", ranks)
        quick = plan(*options)["bootstrap"]["units_s"]
        slow = plan(*options, machine="busy.yaml")["bootstrap"]["units_s"]
        assert abs(slow / quick / slower - 1) < 0.1, (ranks, slow, quick)


def test_selection_is_that_of_fit():
    study = make_study()
    one = plan(study, "--models", "concat", "--subjects", "sim1", "--alignments", "vision")
    assert one["fit"]["units"] == 3 and one["fit"]["models"] == 3 * 70
    refused(chiasm("plan", study, "--machine", MACHINE, "--models", "nobody"), "nobody")


def test_a_line_for_sbatch():
    study = make_study()
    out = succeeded(chiasm("plan", study, "--machine", MACHINE, "--ranks", 256, "--threads", 2, "--cores-per-node", 128,
                           "--replicates", 60, "--models", "concat,multi*"))
    line = out.strip().splitlines()[-1]
    found = re.fullmatch(r"sbatch --nodes=4 --ntasks=256 --cpus-per-task=2 --mem=(\d+)M --time=(\d+):(\d\d):00 "
                         r"jobs/sweep.sbatch study RUN (.*)", line)
    assert found, line
    assert "--models 'concat,multi*'" in found[4] and "--replicates 60" in found[4], line
    assert 1 <= int(found[1]) < 64000 and int(found[2]) == 0 and int(found[3]) >= 10, line


def test_memory_that_does_not_suffice():
    study = make_study()
    succeeded(chiasm("plan", study, "--machine", MACHINE, "--memory-per-rank", "1G"))
    refused(chiasm("plan", study, "--machine", MACHINE, "--memory-per-rank", "1M"), "--memory-per-rank", "do not fit")
    refused(chiasm("plan", "--paper", "--machine", MACHINE, "--ranks", 128, "--cores-per-node", 128,
                   "--memory-per-node", "256G"), "do not fit", "ranks on a node would fit")


def test_sweep():
    study = make_study()
    rows = plan(study, "--uncertainty", "bootstrap", "--replicates", 1000, "--sweep", "1,2,...,32")
    assert [r["ranks"] for r in rows] == [1, 2, 4, 8, 16, 32]
    assert abs(rows[0]["efficiency"] - 1) < 1e-9
    times = [r["bootstrap"]["units_s"] for r in rows]
    assert all(a > b for a, b in zip(times, times[1:])), times
    out = succeeded(chiasm("plan", study, "--machine", MACHINE, "--sweep", "1,64"))
    assert "speed-up" in out and "efficiency is below 80 %" in out, out
    for bad in ("", "0", "1,two", "1,...,8", "4,2,...,16", "1,2,...", "3000000"):
        refused(chiasm("plan", study, "--machine", MACHINE, "--sweep", bad), "--sweep")


def test_the_paper_without_data():
    """7 subjects, 12 networks twice and 2 combinations, 161 bins, 1090 electrodes in two alignments."""
    out = succeeded(chiasm("plan", "--paper", "--machine", MACHINE, "--ranks", 1024, "--cores-per-node", 128))
    assert "alignments: 2, recordings: 14, electrodes: 2180" in out, out
    p = plan("--paper", "--replicates", 50, "--models", "SLIP-Combo-Vision", "--alignments", "language")
    assert p["fit"]["units"] == 7 * 185 and p["fit"]["models"] == 185 * 1090 * 161, p["fit"]
    assert plan("--paper", "--replicates", 2, "--models", "Multi*")["fit"]["units"] == 2 * 7 * 2


def test_files_that_are_no_machine():
    study = make_study()
    good = pathlib.Path(MACHINE).read_text()
    cases = {"kernel": good.replace('  kernel: "a kernel"\n', ""), "fits": good.replace("4, 800, 100", "800, 100"),
             "cores": good.replace("cores: 4", "cores: many"), "message-s": good.replace("1e-5", "-1"),
             "line": good + "\x01", "speed": good + "  speed: 3\n", "regular": None,
             "way": re.sub(r",\s+4, 800.*", "]", good)}
    for part, text in cases.items():
        path = pathlib.Path("machine-" + part)
        path.mkdir() if text is None else path.write_text(text)
        refused(chiasm("plan", study, "--machine", path), str(path), part)
    assert not pathlib.Path("machine-regular", "x").exists()


def test_wrong_usage():
    study = make_study()
    refused(chiasm("plan", "--machine", MACHINE), "STUDY or --paper")
    refused(chiasm("plan", study, "other", "--machine", MACHINE), "too many")
    refused(chiasm("plan", study, "--paper", "--machine", MACHINE), "--paper takes no study")
    refused(chiasm("plan", "nowhere", "--machine", MACHINE), "nowhere")
    refused(chiasm("plan", study, "--machine", MACHINE, "--ranks", 0), "--ranks")
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_CACHE_HOME")}
    refused(chiasm("plan", study, env=environment), "--machine FILE")


def test_hand_outs_are_timed():
    for ranks in (0, 2):
        r = json.loads(succeeded(chiasm("bench", "sweep", "--units", 5000, "--json", ranks=ranks)))
        assert r["units"] == 5000 and r["ranks"] == max(1, ranks), r
        assert r["messages"] >= 5000 / 64 and r["units_per_s"] > 0 and r["message_s"] > 0, r
    assert "hand-outs/s" in succeeded(chiasm("bench", "sweep", "--units", 1))


def test_calibration_is_kept():
    """The first use measures and keeps it; the second takes it from there."""
    study = make_study()
    environment = dict(os.environ, XDG_CACHE_HOME=os.path.abspath("cache"))
    brief = dict(environment, CHIASM_FAULT=";".join(fault("plan.pass", count=1 + i) for i in range(5)))  # one pass each
    first = chiasm("plan", study, env=brief, seconds=300)
    succeeded(first)
    kept = pathlib.Path("cache/chiasm/machine.yaml")
    assert "measuring this machine" in first.stderr and kept.exists(), first.stderr
    machine = yaml.safe_load(kept.read_text())["machine"]
    assert machine["cores"] >= 1 and machine["start-s"] > 0 and machine["job-s"] > 0 and len(machine["fits"]) % 5 == 0
    before = kept.read_bytes()
    second = chiasm("plan", study, env=environment)
    succeeded(second)
    assert "measuring" not in second.stderr and kept.read_bytes() == before


run_tests(globals())
