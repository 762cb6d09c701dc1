"""Every bad input of chiasm import brain-treebank, one by one: exit code 2, one line that names file, object and
place, and no response file, not even a half-written one."""
import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

from program import chiasm, errors
from treebank_maker import make_treebank

LABELS = "electrode_labels/sub_1/electrode_labels.json"
REC = "sub_1_trial000.h5"
TIMINGS = "subject_timings/sub_1_trial000_timings.csv"
WORDS = "transcripts/fantastic-mr-fox/features.csv"
REGIONS = "localization/sub_1/depth-wm.csv"
PLACES = "localization/elec_coords_full.csv"
META = "subject_metadata/sub_1_trial000_metadata.json"
BAD = "corrupted_elec.json"
CASES = []


def case(*texts, options=(), ranks=0):
    """What the function does to a good treebank must be refused with these texts."""
    def add(edit):
        CASES.append((edit.__name__, edit, texts, options, ranks))
        return edit
    return add


def edit_json(path, change):
    value = json.loads(path.read_text())
    path.write_text(json.dumps(change(value)))


def edit_lines(path, change):
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


def nothing(root): pass


# ---- what the data set's small files say

@case("nowhere: there is no such folder", options=("nowhere",))
def no_root(root): pass

@case(f"{LABELS}: there is no such file")
def no_labels(root): os.remove(root / LABELS)

@case(f"{LABELS}: line 1, column", "is no JSON")
def labels_cut(root): (root / LABELS).write_text((root / LABELS).read_text()[:40])

@case(f"{LABELS}: expected a list at the top")
def labels_object(root): (root / LABELS).write_text('{"A1": 1}')

@case(f"{LABELS}: the top: element 2 is no string")
def labels_number(root): edit_json(root / LABELS, lambda v: v[:2] + [7] + v[3:])

@case(f"{LABELS}: names 0 and 1 are both `A1`")
def labels_twice(root): edit_json(root / LABELS, lambda v: [v[0], "A#1"] + v[2:])

@case(f"{LABELS}: name 3", "is empty")
def label_of_stars(root): edit_json(root / LABELS, lambda v: v[:3] + ["**"] + v[4:])

@case(f"{LABELS}: of 11 channels no electrode is left to import that has both its neighbours",
      options=("--reference", "laplacian"))
def no_neighbours(root): edit_json(root / LABELS, lambda v: [f"A{2 * i}" for i in range(len(v))])

@case(f"{BAD}: there is no such file", "write {} into it")
def no_corrupted(root): os.remove(root / BAD)

@case(f"{BAD}: expected an object at the top")
def corrupted_list(root): (root / BAD).write_text("[]")

@case(f"{BAD}: sub_1 is no list")
def corrupted_text(root): (root / BAD).write_text('{"sub_1": "A1"}')

@case(f"{META}: has no string `filename`")
def no_filename(root): edit_json(root / META, lambda v: {"title": "x"})

@case(f"{META}: filename `../../etc` is no name of a folder")
def filename_leads_out(root): edit_json(root / META, lambda v: {"filename": "../../etc"})

@case(f"{TIMINGS}: there is no such file")
def no_timings(root): os.remove(root / TIMINGS)

@case(f"{TIMINGS}: has no column `index`; its columns are type, movie_time")
def timings_without_index(root): edit_lines(root / TIMINGS, lambda l: [l[0].replace("index", "idx")] + l[1:])

@case(f"{TIMINGS}: line 5: movie_time is `soon`, expected a number")
def timings_text(root): edit_lines(root / TIMINGS, lambda l: l[:4] + ["trigger,soon,0,0,,1,0\n"] + l[5:])

@case(f"{TIMINGS}: line 5: index is ``, expected a number")
def timings_gap(root): edit_lines(root / TIMINGS, lambda l: l[:4] + ["trigger,3.0,0,0,,,0\n"] + l[5:])

@case(f"{TIMINGS}: has no triggers")
def timings_empty(root): edit_lines(root / TIMINGS, lambda l: l[:1])

@case(f"{WORDS}: is empty")
def words_empty(root): (root / WORDS).write_text("\n")

@case(f"{WORDS}: line 4 has fewer fields than the header")
def words_short_row(root): edit_lines(root / WORDS, lambda l: l[:3] + ["1,2\n"] + l[4:])

@case(f"{WORDS}: line 4 has more fields than the header")
def words_long_row(root): edit_lines(root / WORDS, lambda l: l[:3] + ["1,2,3,4,5,6,7\n"] + l[4:])

@case(f"{WORDS}: line 4: a quote begins here and does not end")
def words_open_quote(root): edit_lines(root / WORDS, lambda l: l[:3] + ['1,"2,3,4,5,6\n'] + [s.replace('"', "") for s in l[4:]])

@case(f"{WORDS}: line 4: start is `1.5s`, expected a number")
def words_bad_start(root): edit_lines(root / WORDS, lambda l: l[:3] + ["1,word,1.5s,4,5,6\n"] + l[4:])

@case(f"{WORDS}: has a NUL byte")
def words_nul(root): (root / WORDS).write_bytes((root / WORDS).read_bytes() + b"\0")

@case(f"{WORDS}: none of its 1 events can be cut", "1 are outside the recording")
def words_all_outside(root): edit_lines(root / WORDS, lambda l: [l[0], "1,word,1e300,4,5,6\n"])

@case(f"{REGIONS}: line 4: electrode ", "has had a row before")
def regions_twice(root): edit_lines(root / REGIONS, lambda l: l[:3] + [l[1]] + l[4:])

@case(f"{REGIONS}: has no column `Yeo`; its columns are Electrode, L", options=("--atlas", "Yeo"))
def no_such_atlas(root): pass

@case(f"{PLACES}: line 2: X is `left`, expected a number")
def places_text(root): edit_lines(root / PLACES, lambda l: [l[0], "sub_1-A1,left,0,0,1,sub_1,A1,G\n"] + l[2:])

# ---- the recording

@case("sub_1_trial003.h5: there is no such file, nor in ", options=("--trial", "0,3"))
def no_trial(root): pass

@case(f"{REC}: is not an HDF5 file")
def recording_text(root): (root / REC).write_text("1 2 3\n" * 1000)

@case(f"{REC}: ")
def recording_cut(root): (root / REC).write_bytes((root / REC).read_bytes()[:100000])

@case(f"{REC}: /data is missing", ranks=3)
def no_group(root):
    with h5py.File(root / REC, "r+") as f: f.move("data", "signals")

@case(f"{REC}: /data has electrode_4 where electrode_3 was expected")
def dataset_missing(root):
    with h5py.File(root / REC, "r+") as f: del f["data/electrode_3"]

@case(f"{REC}: /data has 9 datasets, but", "has 11 labels")
def datasets_too_few(root):
    with h5py.File(root / REC, "r+") as f:
        for i in (9, 10, 11): del f[f"data/electrode_{i}"]

@case(f"{REC}: /data/electrode_2 has 100 samples, but electrode_0 has ")
def dataset_short(root):
    with h5py.File(root / REC, "r+") as f:
        del f["data/electrode_2"]
        f["data/electrode_2"] = np.zeros(100)

@case(f"{REC}: /data has electrode_3 where electrode_2 was expected")
def dataset_outside(root):
    with h5py.File(root / REC, "r+") as f:
        del f["data/electrode_2"]
        f["data/electrode_2"] = h5py.ExternalLink("other.h5", "x")

@case(f"{REC}: /data: electrode_7 is NaN at sample 70000", ranks=3)
def sample_nan(root):
    with h5py.File(root / REC, "r+") as f: f["data/electrode_7"][70000] = np.nan

@case(f"{REC}: /data: electrode_0 is infinite at sample 3", options=("--reference", "car"), ranks=2)
def sample_infinite(root):
    with h5py.File(root / REC, "r+") as f: f["data/electrode_0"][3] = -np.inf

# ---- options

@case("study/responses/sub_1.language.h5: is there already")
def response_there(root):
    os.makedirs("study/responses")
    Path("study/responses/sub_1.language.h5").touch()

@case("study: ", ranks=2)
def study_is_a_file(root): pass

for texts, options in ((("--band", "0 < low < high"), ("--band", "150,70")),
                       (("--band: expected two numbers",), ("--band", "70")),
                       (("--envelope needs --band",), ("--envelope",)),
                       (("--high-pass 1024",), ("--high-pass", "1024")),
                       (("--notch 2000",), ("--notch", "2000")),
                       (("--window 0,0.1 holds no bin of 0.2 s",), ("--window", "0,0.1")),
                       (("--bin 0.0001 s is shorter than a sample",), ("--bin", "0.0001")),
                       (("--subject: `x1`",), ("--subject", "x1")),
                       (("--alignment: `a.b` is no name",), ("--alignment", "a.b", "--event-file", "e.csv")),
                       (("--alignment vision needs --event-file",), ("--alignment", "vision")),
                       (("e.csv: there is no such file",), ("--event-file", "e.csv")),
                       (("--event-file: 2 files for 1 recordings",), ("--event-file", "a.csv,b.csv")),
                       (("--trial: 0 is given twice",), ("--trial", "0,0")),
                       (("--trial: 0.5 is no trial",), ("--trial", "0.5"))):
    CASES.append(("options " + " ".join(options), nothing, texts, options, 0))


def run(good, name, edit, texts, options, ranks):
    """What went wrong with a case, or None."""
    with tempfile.TemporaryDirectory(prefix="chiasm-test-") as folder:
        folder = Path(folder)
        shutil.copytree(good, folder / "treebank")
        study = folder / "study"
        if edit is response_there:
            (study / "responses").mkdir(parents=True)
            (study / "responses/sub_1.language.h5").touch()
        elif edit is study_is_a_file:
            study.touch()
        else:
            edit(folder / "treebank")
        root = options[0] if options and not options[0].startswith("-") else "treebank"
        result = chiasm("import", "brain-treebank", root, "-o", "study", "--subject", 1,
                        *(o for o in options if o != root), ranks=ranks, cwd=folder)
        lines = errors(result)
        if edit is study_is_a_file:  # the disk's business, not the input's
            return None if result.returncode == 1 and len(lines) == 1 else result.stderr
        left = [p.name for p in (study / "responses").glob("*")] if study.is_dir() else []
        if edit is response_there:
            left.remove("sub_1.language.h5")
        if result.returncode != 2 or len(lines) != 1 or not all(t in lines[0] for t in texts) or left:
            return f"exit code {result.returncode}, expected {texts}, left {left}: {result.stderr}"
    return None


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="chiasm-test-") as folder, ThreadPoolExecutor(4) as pool:
        good = Path(folder, "treebank")
        make_treebank(str(good), seconds=40, breaks=((20.35, 3.0),), dtype="f4")
        chosen = [c for c in CASES if len(sys.argv) < 2 or c[0] in sys.argv[1:]]
        for c, wrong in zip(chosen, pool.map(lambda c: run(good, *c), chosen)):
            print("FAILED" if wrong else "ok", c[0], wrong or "", flush=True)
            failed += wrong is not None
    sys.exit(failed > 0)


main()
