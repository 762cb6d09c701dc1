"""Planted studies, analysed; what was called, against what was planted. Run by calibrate.sh.

Settings:
  film         20 studies of the default size, events autocorrelated as in a film
  independent  the same with independent events
  null         200 small studies, film-like, without integration sites
  equal        film-like studies of `both` sites alone, where the multimodal network and the linear
               combination know the same: rejections of multi-beats-linear, blocks of one event and auto
  candidates   the same with seven multimodal networks against three combinations
  twins        trained networks against their random twins, film-like studies of the default size
"""
import argparse
import csv
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHIASM = os.environ["CHIASM"]
WORK = Path(os.environ.get("CHIASM_CALIBRATE", "build/calibrate"))
RANKS = os.cpu_count()
TESTS = {"influence": ("influence", "influence-crossed"), "bootstrap": ("events", "crossed", "bins")}
TRAINED = "vision-net,language-net,concat,multimodal-net,control-with-language,control-without-language"
INDEPENDENT = ["--autocorrelation", "0", "--noise-autocorrelation", "0"]
STRONG = ["--effects", "0.4,0.75"]  # integration sites with a test r of 0.1 to 0.4
SMALL = ["--subjects", "1", "--electrodes", "12", "--events", "500", "--bins", "61", "--layers", "2",
         "--features", "32"] + STRONG
BOTH = SMALL + ["--kinds", "0,0,0,1,0", "--alignments", "language"]


def copies(name, n):
    return [name] + [f"{name}-{i}" for i in range(2, n + 1)]


# name: (seeds, options of simulate, models, blocks)
SETTINGS = {
    "film": (20, STRONG, TRAINED, ["auto"]),
    "independent": (20, STRONG + INDEPENDENT, TRAINED, ["auto"]),
    "null": (200, SMALL + ["--kinds", "0.3,0.2,0.2,0.3,0"], TRAINED, ["auto"]),
    "equal": (60, BOTH, "multimodal-net,concat", ["auto", "1"]),
    "candidates": (30, BOTH + ["--networks", "7"],
                   ",".join(copies("multimodal-net", 7) + copies("concat", 3)), ["auto", "1"]),
    "twins": (4, STRONG, "vision-net*,language-net*,multimodal-net*", ["auto"]),
}


def chiasm(*arguments, ranks=1):
    command = [CHIASM, *map(str, arguments)]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] + command
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"calibrate.py: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


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
    chiasm("fit", study, "-o", run, "--models", models, ranks=RANKS)
    for block in blocks:
        for stage in stages:
            more = ["--replicates", replicates] if stage == "bootstrap" else []
            chiasm(stage, run, *more, "--block", block, "--overwrite", ranks=RANKS)
            for test in TESTS[stage]:
                chiasm("sites", run, "--test", test)
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
    parser.add_argument("--replicates", type=int, default=200, help="of the bootstrap; 0: influences alone")
    asked = parser.parse_args()
    stages = ["influence"] + (["bootstrap"] if asked.replicates > 0 else [])
    for setting in asked.settings or SETTINGS:
        if setting not in SETTINGS:
            sys.exit(f"calibrate.py: no setting {setting}; there are {', '.join(SETTINGS)}")
        folders = [analyse(setting, seed, asked.replicates, stages)
                   for seed in range(1, (asked.seeds or SETTINGS[setting][0]) + 1)]
        report(setting, folders, [test for stage in stages for test in TESTS[stage]])


main()
