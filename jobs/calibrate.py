"""Planted studies, analysed; what was called, against what was planted. Run by calibrate.sh.

Settings:
  film         20 studies of the default size, events autocorrelated as in a film
  independent  20 with independent events
  null         200 small studies, film-like, without integration sites
  silent       20 small studies of electrodes without signal: where do models take part?
  twins        4 of trained networks against their random twins, film-like, of the default size

and film-like studies of `both` sites, where multimodal networks and linear combinations know the same: rejections
of multi-beats-linear (of one layer each, where nothing else is said)
  equal        one against one; also with blocks of one event
  layers       one against one, of four layers
  seven-one, seven-five, two-seven
               so many multimodal networks against so many combinations
  wide         one against one, of more features than events
  few, long    one against one, of 60 events, and of 1,500
  one-session, six-sessions
               one against one, in one session, and in six of one to six parts of the events
"""
import argparse
import csv
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py

CHIASM = os.environ["CHIASM"]
WORK = Path(os.environ.get("CHIASM_CALIBRATE", "build/calibrate"))
RANKS = os.cpu_count()
INFLUENCE = [f"{test}, {selection}" for test in ("influence", "influence-crossed")
             for selection in ("fixed", "multiplier")]
TESTS = {"influence": INFLUENCE, "bootstrap": ["events", "crossed", "bins"]}
TRAINED = "vision-net,language-net,concat,multimodal-net,control-with-language,control-without-language"
INDEPENDENT = ["--autocorrelation", "0", "--noise-autocorrelation", "0"]
STRONG = ["--effects", "0.4,0.75"]  # integration sites with a test r of 0.1 to 0.4
SMALL = ["--subjects", "1", "--electrodes", "12", "--events", "500", "--bins", "61", "--layers", "2",
         "--features", "32"] + STRONG
BOTH = SMALL + ["--kinds", "0,0,0,1,0", "--alignments", "language", "--layers", "1"]
PARTS = 6 * 7 // 2  # of a session of one part, one of two, ... one of six


def sides(better, than):
    """So many networks of either side."""
    return ",".join(name if i == 0 else f"{name}-{i + 1}"
                    for name, n in (("multimodal-net", better), ("concat", than)) for i in range(n))


# name: (seeds, options of simulate, models, blocks)
SETTINGS = {
    "film": (20, STRONG, TRAINED, ["auto"]),
    "independent": (20, STRONG + INDEPENDENT, TRAINED, ["auto"]),
    "null": (200, SMALL + ["--kinds", "0.3,0.2,0.2,0.3,0"], TRAINED, ["auto"]),
    "silent": (20, SMALL + ["--kinds", "1,0,0,0,0"], TRAINED, ["auto"]),
    "twins": (4, STRONG, "vision-net*,language-net*,multimodal-net*", ["auto"]),
    "equal": (60, BOTH, sides(1, 1), ["auto", "1"]),
    "layers": (60, BOTH + ["--layers", "4"], sides(1, 1), ["auto"]),
    "seven-one": (20, BOTH + ["--networks", "7"], sides(7, 1), ["auto"]),
    "seven-five": (20, BOTH + ["--networks", "7"], sides(7, 5), ["auto"]),
    "two-seven": (20, BOTH + ["--networks", "7"], sides(2, 7), ["auto"]),
    "wide": (20, BOTH + ["--features", "320"], sides(1, 1), ["auto"]),
    "few": (20, BOTH + ["--events", "60"], sides(1, 1), ["auto", "5"]),
    "long": (20, BOTH + ["--events", "1500"], sides(1, 1), ["auto"]),
    "one-session": (20, BOTH + ["--sessions", "1"], sides(1, 1), ["auto"]),
    "six-sessions": (20, BOTH + ["--sessions", str(PARTS)], sides(1, 1), ["auto"]),
}


def chiasm(*arguments, ranks=1):
    command = [CHIASM, *map(str, arguments)]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] + command
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"calibrate.py: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def join_sessions(study):
    """Join the sessions of equal parts to six of one, two, ... six parts."""
    joined = [session for session in range(6) for _ in range(session + 1)]
    for path in (study / "responses").rglob("*.h5"):
        with h5py.File(path, "r+") as f:
            part = f["session"][()]
            f["onset"][...] = f["onset"][()] + 1e4 * part
            f["session"][...] = [joined[p] for p in part]


def analyse(setting, seed, replicates, stages):
    """Everything up to the tables of sites of one study, kept under WORK/setting/seed."""
    _, options, models, blocks = SETTINGS[setting]
    kept = WORK / setting / str(seed)
    results = [kept / f"{block}-{test}.csv" for block in blocks for stage in stages for test in TESTS[stage]]
    if all(path.exists() for path in results):
        return kept
    kept.mkdir(parents=True, exist_ok=True)
    study, run = kept / "study", kept / "run"
    shutil.rmtree(study, ignore_errors=True)
    shutil.rmtree(run, ignore_errors=True)
    chiasm("simulate", study, "--seed", seed, *options)
    if setting == "six-sessions":
        join_sessions(study)
    chiasm("fit", study, "-o", run, "--models", models, ranks=RANKS)
    for block in blocks:
        for stage in stages:
            more = ["--replicates", replicates] if stage == "bootstrap" else []
            chiasm(stage, run, *more, "--block", block, "--overwrite", ranks=RANKS)
            for test in TESTS[stage]:
                name, _, selection = test.partition(", ")
                chiasm("sites", run, "--test", name, *(["--selection", selection] if selection else []))
                os.replace(run / "sites.csv", kept / f"{block}-{test}.csv")
    os.replace(study / "truth.csv", kept / "truth.csv")
    shutil.rmtree(study)
    shutil.rmtree(run)
    return kept


def rows(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def truth_of(kept):
    return {(r["subject"], r["alignment"], r["electrode"]): r["kind"] for r in rows(kept / "truth.csv")}


def share(hits, counts):
    """The pooled share over studies and its standard error, studies being the units that vary."""
    n, total, hit = len(counts), sum(counts), sum(hits)
    if total == 0:
        return "-"
    p = hit / total
    spread = sum((h - p * c) ** 2 for h, c in zip(hits, counts))
    error = math.sqrt(spread * n / max(n - 1, 1)) / total
    return f"{100 * p:.1f} ± {100 * error:.1f} ({hit}/{total})"


def planted(folders, block, test):
    """Called and planted integration sites."""
    calls = {name: ([], []) for name in ("right", "found", "both", "other")}
    for kept in folders:
        truth = truth_of(kept)
        called = {(r["subject"], r["alignment"], r["electrode"]) for r in rows(kept / f"{block}-{test}.csv")
                  if r["comparison"] == "integration" and r["significant"] == "1"}
        kinds = {kind: {s for s, k in truth.items() if k == kind} for kind in set(truth.values())}
        real, both = kinds.get("integration", set()), kinds.get("both", set())
        for name, hit, of in (("right", called & real, called), ("found", called & real, real),
                              ("both", called & both, both),
                              ("other", called - real - both, set(truth) - real - both)):
            calls[name][0].append(len(hit))
            calls[name][1].append(len(of))
    return calls


def rejections(folders, block, test, level):
    hits, counts = [], []
    for kept in folders:
        p = [float(r["p"]) for r in rows(kept / f"{block}-{test}.csv")
             if r["comparison"] == "multi-beats-linear" and r["p"] != ""]
        hits.append(sum(x <= level for x in p))
        counts.append(len(p))
    return share(hits, counts)


# What a network knows of a site: its signal, or a part of it.
SIGNAL = {"vision-net": {"vision", "both"}, "language-net": {"language", "both"},
          "multimodal-net": {"vision", "language", "both", "integration"}}


def twins(folders, test, signal):
    """Significant trained-beats-random, at sites that carry what the network knows, or at `none`."""
    hits, counts = [], []
    for kept in folders:
        truth = truth_of(kept)
        found = [r for r in rows(kept / f"auto-{test}.csv") if r["comparison"] == "trained-beats-random"]
        of = [r for r in found for kind in [truth[r["subject"], r["alignment"], r["electrode"]]]
              if (kind in SIGNAL[r["better"]] if signal else kind == "none")]
        hits.append(sum(r["significant"] == "1" for r in of))
        counts.append(len(of))
    return share(hits, counts)


def report(setting, folders, tests):
    print(f"\n{setting}: {len(folders)} studies")
    if setting in ("film", "independent"):
        print("| test | called sites that are planted, % | planted sites found, % | `both` sites called, % |"
              " other sites called, % |\n| --- | --- | --- | --- | --- |")
        for test in tests:
            calls = planted(folders, "auto", test)
            print(f"| {test} | " + " | ".join(share(*calls[k]) for k in ("right", "found", "both", "other")) + " |")
    elif setting == "null":
        print("| test | studies with a false call |\n| --- | --- |")
        for test in tests:
            wrong = sum(any(r["comparison"] == "integration" and r["significant"] == "1"
                            for r in rows(kept / f"auto-{test}.csv")) for kept in folders)
            print(f"| {test} | {wrong} of {len(folders)} |")
    elif setting == "silent":
        print("| test | sites without signal that are tested, % |\n| --- | --- |")
        for test in tests:
            found = [rows(kept / f"auto-{test}.csv") for kept in folders]
            found = [[r for r in one if r["comparison"] == "multi-beats-unimodal"] for one in found]
            print(f"| {test} | {share([sum(r['bins'] != '0' for r in one) for one in found], [len(one) for one in found])} |")
    elif setting == "twins":
        print("| test | significant where the network knows the signal, % | at `none` sites, % |\n| --- | --- | --- |")
        for test in tests:
            print(f"| {test} | {twins(folders, test, True)} | {twins(folders, test, False)} |")
    else:
        print("| test | block | rejected at 0.05, % | at 0.01, % |\n| --- | --- | --- | --- |")
        for test in tests:
            for block in SETTINGS[setting][3]:
                print(f"| {test} | {block} | {rejections(folders, block, test, 0.05)} |"
                      f" {rejections(folders, block, test, 0.01)} |")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", nargs="*", metavar="setting", help=", ".join(SETTINGS))
    parser.add_argument("--seeds", type=int, help="studies of each setting, in place of its own number")
    parser.add_argument("--replicates", type=int, default=100, help="of the bootstrap; 0: influences alone")
    asked = parser.parse_args()
    stages = ["influence"] + (["bootstrap"] if asked.replicates > 0 else [])
    for setting in asked.settings or SETTINGS:
        if setting not in SETTINGS:
            sys.exit(f"calibrate.py: no setting {setting}; there are {', '.join(SETTINGS)}")
        folders = [analyse(setting, seed, asked.replicates, stages)
                   for seed in range(1, (asked.seeds or SETTINGS[setting][0]) + 1)]
        report(setting, folders, [test for stage in stages for test in TESTS[stage]])


main()
