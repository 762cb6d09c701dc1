"""What is special about a run gives sensible results that are explained, and the right exit code."""
import fcntl
import math
import os
import shutil
import subprocess

import numpy as np

from compare import check_run, number, read_csv
from program import chiasm, refused, run_tests, succeeded
from run_maker import CONFIG, MODELS, make_run

SMALL = dict(electrodes=3, replicates=40, bins=10)


def some(*names):
    return {m: MODELS[m] for m in names}


def of(rows, comparison):
    return [r for r in rows if r["comparison"] == comparison]


def lines_with(out, *words):
    return [line for line in out.splitlines() if all(w in line for w in words)]


def test_nothing_takes_part():
    for test in "events", "bins":
        make_run(test, **SMALL, edit=lambda a: a.val.fill(-0.1))
        rows, out = check_run(test, "--min-bins", 3, "--test", test, test=test, min_bins=3)
        assert rows and all(math.isnan(r["p"]) and r["bins"] == 0 for r in rows)
        again = chiasm("sites", test, "--min-bins", 3, "--test", test)
        assert "nothing is tested: no model keeps 3 bins at any site" in again.stderr
        assert "integration sites: 0" in out


def test_no_multimodal_model():
    make_run("run", **SMALL, models=some("beit", "beit-random", "sbert", "concat"))
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    assert set(r["comparison"] for r in rows) == {"trained-beats-random",
                                                   "trained-beats-random-both"}
    assert "multi-beats-unimodal is missing: no trained multimodal model." in out
    assert "integration is missing: it needs multi-beats-unimodal and multi-beats-linear." in out


def test_no_twins_no_linear():
    make_run("run", **SMALL, models=some("blip", "beit", "sbert"))
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    assert set(r["comparison"] for r in rows) == {"multi-beats-unimodal",
                                                   "multi-beats-unimodal-both"}
    assert "trained-beats-random is missing: no network has both" in out
    assert "multi-beats-linear is missing: no trained linear model." in out


def test_no_comparison_at_all():
    make_run("run", **SMALL, models=some("mfcc"), missing=())
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    assert rows == []
    assert out.count(" is missing: ") == 4, out


def test_one_alignment():
    make_run("run", **SMALL, alignments={"zoo": 2})
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    assert rows and all(r["alignment"] == "zoo" for r in rows)
    assert "There is one alignment" in out


def test_missing_in_one_alignment():
    make_run("run", **SMALL, left_out={"vision": ("concat", "slip-random")})
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    assert set(r["alignment"] for r in of(rows, "integration")) == {"language"}
    assert "multi-beats-linear is missing in vision: no trained linear model." in out
    assert "integration-both is missing: no site has integration in every alignment." in out
    both = of(rows, "trained-beats-random-both")
    assert set(r["network"] for r in both) == {"beit", "blip", "concat"} - {"concat"}


def test_bootstrap_of_some_models():
    make_run("run", **SMALL, only=("blip", "beit", "concat"),
             yaml="contrasts: {a: {better: slip, than: beit}, b: {better: blip, than: beit}}")
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    assert of(rows, "b") and not of(rows, "a")
    assert "a is missing: no model slip." in out


def test_sides_that_predict_nothing():
    """Where the other side keeps no bin, `events` tests and in `bins` the side wins by default."""
    def edit(a):
        for i, (m, _, _) in enumerate(a.spaces):
            if m in ("beit", "sbert"):
                a.val[i] -= 1
    make_run("run", **SMALL, edit=edit)
    rows, _ = check_run("run", "--min-bins", 3, min_bins=3)
    assert any(r["bins_than"] == 0 and r["p"] < 0.05 for r in of(rows, "multi-beats-unimodal"))
    rows, out = check_run("run", "--min-bins", 3, "--test", "bins", test="bins", min_bins=3)
    uni = of(rows, "multi-beats-unimodal")
    won = [r for r in uni if r["by_default"]]
    assert won and all(math.isnan(r["p"]) and r["than"] == "" and not r["significant"] for r in won)
    line = lines_with(out, "multi-beats-unimodal ", "language")[0].split()
    assert int(line[5]) == sum(r["alignment"] == "language" for r in won), line


def test_no_r_on_one_side():
    """A side without any finite r cannot be tested by either test."""
    def edit(a):
        for i, (m, _, _) in enumerate(a.spaces):
            if m == "concat":
                a.val[i] = a.test[i] = a.val_r[i] = a.test_r[i] = np.nan
    make_run("run", **SMALL, models=some("blip", "beit", "concat"), edit=edit)
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    rows = [r for r in of(rows, "multi-beats-linear") if r["bins"] > 0]
    assert rows and all(not r["by_default"] and r["than"] == "concat" for r in rows)
    assert "the models of one side are missing, or their r is undefined" in out
    rows, _ = check_run("run", "--min-bins", 3, "--test", "bins", test="bins", min_bins=3)
    assert any(r["by_default"] and r["than"] == "concat" for r in of(rows, "multi-beats-linear"))


def test_no_spread_and_missing_replicates():
    def edit(a):
        for i, (m, _, _) in enumerate(a.spaces):
            if a.name == "vision":
                a.test[i] = np.where(np.isnan(a.test[i]), np.nan, 0.25)
            elif m == "beit":
                a.test[i, :, :3] = np.nan
    make_run("run", **SMALL, edit=edit)
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    vision = [r for r in of(rows, "multi-beats-linear") if r["alignment"] == "vision" and r["bins"]]
    assert vision and all(r["se"] == 0 or math.isnan(r["se"]) for r in vision)
    language = [r for r in of(rows, "trained-beats-random")
                if r["alignment"] == "language" and r["better"] == "beit" and r["bins"]]
    assert language and all(math.isnan(r["se"]) and math.isfinite(r["difference"]) for r in language)
    assert "of their replicates are undefined, or all are equal" in out


def test_truth():
    kinds = ("integration", "both", "none")
    truth = "subject,alignment,electrode,kind\n" + "".join(
        f"s{s},{a},E{e},{kinds[(s + e) % 3]}\n" for s in (1, 2) for a in ("language", "vision")
        for e in range(8))
    make_run("run", truth=truth.replace("\n", "\r\n"), electrodes=8)
    rows, out = check_run("run", "--min-bins", 4, min_bins=4)
    known = [l.split(",") for l in truth.splitlines()[1:]]
    kind = {tuple(l[:3]): l[3] for l in known}
    called = [r for r in of(rows, "integration") if r["alignment"] == "language"
              and (r["subject"], r["alignment"], r["electrode"]) in kind and r["significant"]]
    found = [r for r in called
             if kind[r["subject"], r["alignment"], r["electrode"]] == "integration"]
    planted = sum(k == "integration" and a == "language" and e != "E1"
                  for (s, a, e), k in kind.items())  # the made-up E1 is named E1,1
    after = out[out.index("against truth.csv"):]
    line = lines_with(after, "language")[0].split()
    assert line[1:4] == [str(len(called)), str(planted), str(len(found))], (line, planted)
    assert line[4] == (f"{len(found) / len(called):.3f}" if called else "-")
    assert line[5] == f"{len(found) / planted:.3f}"
    for k in kinds:
        line = lines_with(after, k + " ")[-1].split()
        sites = [r for r in of(rows, "integration")
                 if kind.get((r["subject"], r["alignment"], r["electrode"])) == k]
        assert line[1:3] == [str(len(sites)), str(sum(r["significant"] for r in sites))], line
    with open("run-study/truth.csv", "a") as f:
        f.write("nonsense\n")
    again = chiasm("sites", "run", "--min-bins", 4)
    assert "against truth" not in succeeded(again) and "truth.csv: line" in again.stderr


def test_more_sites_than_shown():
    make_run("run", electrodes=30, replicates=60, bins=6, alignments={"language": 2},
             models=some("blip", "beit", "concat"), missing=())
    rows, out = check_run("run", "--min-bins", 1, "--fdr", 1, min_bins=1, fdr=1)
    called = sorted(r["p"] for r in of(rows, "integration") if r["significant"])
    assert len(called) > 20, len(called)
    assert f"and {len(called) - 20} more, in run/sites.csv" in out
    at = out.index("integration sites:")
    shown = [float(line.split()[-2]) for line in out[at:].splitlines()[2:22]]
    assert np.allclose(shown, called[:20], rtol=0.05)


def test_contrasts_that_fail():
    make_run("run", **SMALL)

    def expect(yaml, *parts):
        with open("run-study/study.yaml", "w") as f:
            f.write(yaml)
        refused(chiasm("sites", "run", "--min-bins", 3), "study.yaml: line ", *parts)
        assert not os.path.exists("run/sites.h5")
    expect("contrasts: {a: {better: blipp, than: beit}}", "no model or network `blipp`", "`blip`")
    expect("contrasts: {a: {better: blip, than: {modality: vison}}}", "modality `vison`", "`vision`")
    expect("contrasts: {a: {better: blip}}", "no `than`")
    expect("contrasts: {a: {better: blip, than: [beit]}}", "a name is missing")
    expect("contrasts: {a: {better: blip, than: {model: beit}}}", "neither a name nor")
    expect("contrasts: {a: {better: blip, than: beit, also: slip}}", "more than `better`")
    expect("contrasts: {integration: {better: blip, than: beit}}", "the name is taken")
    expect("contrasts: {x-both: {better: blip, than: beit}}", "ends in -both")
    expect("contrasts: [a]", "contrasts without names")
    expect("contrasts: {a: blip}", "a contrast without sides")


def test_contrasts_of_a_part():
    """A fit of some models leaves contrasts of others out."""
    make_run("run", **SMALL, yaml="contrasts: {a: {better: other, than: beit}}",
             config=CONFIG.replace('models: "*"', 'models: "b*"'))
    result = chiasm("sites", "run", "--min-bins", 3)
    assert "a is missing: no model other." in succeeded(result)
    assert "warning: study.yaml: contrast a: the run has no model or network other" in result.stderr


def test_study_gone():
    make_run("run", **SMALL, yaml="contrasts: {a: {better: blip, than: beit}}\n"
             "options: {min-bins: 3}\n")
    assert "\na " in succeeded(chiasm("sites", "run"))
    shutil.rmtree("run-study")
    result = chiasm("sites", "run", "--min-bins", 3)
    assert "\na " not in succeeded(result)
    assert "the study is not there any more" in result.stderr


def test_options():
    make_run("run", **SMALL, yaml="options: {min-bins: 4, fdr: 0.5}\nsites: {min-bins: 3}\n")
    def used():
        with open("run/config.yaml") as f:
            return f.read()[len(CONFIG):]
    succeeded(chiasm("sites", "run"))
    assert used() == 'sites:\n  seed: 0\n  test: "events"\n  selection: "auto"\n  min-bins: 3\n  fdr: 0.5\n', used()
    with open("more.yaml", "w") as f:
        f.write("sites: {fdr: 0.25, test: bins}\n")
    succeeded(chiasm("sites", "run", "-c", "more.yaml", "--seed", 3))
    assert used() == 'sites:\n  seed: 3\n  test: "bins"\n  selection: "auto"\n  min-bins: 3\n  fdr: 0.25\n', used()
    refused(chiasm("sites", "run", "--min-bins", 11), "--min-bins 11", "10 bins in all")
    refused(chiasm("sites", "run", "--test", "both"), "events")
    refused(chiasm("sites", "run", ranks=2), "one process")


def test_waits_for_the_lock():
    make_run("run", **SMALL)
    with open("run/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        program = subprocess.Popen([os.environ["CHIASM"], "sites", "run", "--min-bins", "3"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert "is being written by another job" in program.stderr.readline()
        assert program.poll() is None
        fcntl.flock(lock, fcntl.LOCK_UN)
        program.communicate()
    assert program.returncode == 0


def test_quotes():
    make_run("run", **SMALL)
    succeeded(chiasm("sites", "run", "--min-bins", 3))
    rows = read_csv("run/sites.csv")
    assert {"temporal, superior", "", 'the "pole"'} == set(r["region"] for r in rows)
    assert all(len(r) == 23 and None not in r.values() for r in rows)
    assert any(math.isnan(number(r["p"])) for r in rows)
    with open("run/log.txt") as f:
        assert "sites: integration, language: 6 sites" in f.read()


def test_text_like_formulas():
    """Spreadsheets take it for text, and what is a number stays one."""
    make_run("run", **SMALL, alignments={"-words": 2}, regions=("=1+1", "+a, b", "'@x"),
             truth="subject,alignment,electrode,kind\ns1,'-words,E0,integration\n")
    rows, out = check_run("run", "--min-bins", 3, min_bins=3)
    assert {r["region"] for r in rows} == {"=1+1", "+a, b", "'@x"}
    assert any(r["difference"] < 0 for r in rows)
    for name in "run/sites.csv", "run/regions.csv":
        with open(name) as f:
            text = f.read()
        for field in ",'-words,", ",'=1+1,", ",\"'+a, b\",", ",''@x,":
            assert field in text, (field, text)
    assert lines_with(out[out.index("against truth.csv"):], "-words")[0].split()[2] == "1", out
    succeeded(chiasm("simulate", "study", "--alignments=-words", "--subjects", 1, "--electrodes", 1, "--events", 20,
                     "--bins", 2, "--layers", 1, "--features", 2))
    with open("study/truth.csv") as f:
        assert "\nsim1,'-words,LA1," in f.read()


if __name__ == "__main__":
    run_tests(globals())
