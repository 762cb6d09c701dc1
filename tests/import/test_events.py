"""chiasm import events: recordings of every layout beside scipy and numpy."""
import os
import subprocess

import h5py
import numpy as np

from gates import Gate, environment
from program import CHIASM, chiasm, refused, run_tests, succeeded
from reference import bins, cut, notch, place
from test_treebank import compare, read, sha
from treebank_maker import write_table

RATE = 500
WINDOW = (-0.5, 0.7)
EDGES, TIMES = bins(WINDOW, 0.1, 0.05, RATE)
NAMES = ["LA1", "LA2", "LA3", "LB1", "LB2", "EKG"]
OPTIONS = ["--subject", "p1", "--alignment", "scenes", "--window", "-0.5,0.7", "--bin", 0.1, "--step", 0.05, "--rate",
           RATE, "--event-file", "events.csv"]


def make(layout, dtype="f4", **storage):
    rng = np.random.default_rng(0)
    n = 20 * RATE
    x = (20 * rng.standard_normal((len(NAMES), n)) + 50 * np.sin(np.arange(n) / 30)).astype(dtype)
    with h5py.File("rec.h5", "w") as f:
        if layout == "group":
            for i in np.random.default_rng(1).permutation(12):  # ch10 comes after ch9
                f.create_dataset(f"raw/ecog/ch{i}", data=x[i % 6] + i, **storage)
            f["raw/ecog/about"] = ["not a channel"]
        else:
            f.create_dataset("raw/ecog", data=x if layout == "channel-sample" else x.T, **storage)
        f["raw/labels"] = NAMES
    write_table("./events.csv", ["start", "what"], [[t, "x"] for t in (0.1, 0.5, 3.301, 7.777, 5.5, 19.3, 19.301, 25)])
    return x.astype(float)


def do_import(*options, ranks=0):
    return succeeded(chiasm("import", "events", "rec.h5", "-o", "study", *OPTIONS, *options, ranks=ranks))


def expect(x, filters=(), names=NAMES):
    events, dropped = place("events.csv", x.shape[1], EDGES, lambda t: round(t * RATE))
    assert dropped == [2, 0, 0] and len(events) == 6  # 19.301 s is sample 9650.5: to even, it just fits
    for f in filters:
        x = f(x)
    return cut(dict(zip(names, x)), events, EDGES)


def test_one_dataset_of_either_order():
    fifty = lambda x: notch(x, 50, RATE)
    for layout, dtype, storage in (("channel-sample", "f4", {}), ("sample-channel", "f8", {}),
                                   ("sample-channel", "i2", {"chunks": (3000, 4), "compression": "gzip"}),
                                   ("channel-sample", "f2", {"chunks": (4, 7000), "shuffle": True})):
        x = make(layout, dtype, **storage)
        do_import("--dataset", "/raw/ecog", "--names", "raw/labels", "--notch", 50, "--overwrite", ranks=2)
        got = read("study/responses/p1.scenes.h5")
        compare(got["response"], expect(x, [fifty]), f"{layout} {dtype}")
        assert got["electrode"] == NAMES and got["units"] == "uV"
        np.testing.assert_allclose(got["time"], TIMES, atol=1e-12)
        assert list(got["row"]) == [1, 2, 4, 3, 5, 6]


def test_channels_chosen_out_of_a_matrix():
    for layout in ("channel-sample", "sample-channel"):
        x = make(layout)
        do_import("--dataset", "raw/ecog", "--names", "raw/labels", "--channels", "LA*,LB2", "--overwrite",
                  "--layout", layout, "--reference", "car", "--units", "mV")
        got = read("study/responses/p1.scenes.h5")
        chosen = x[[0, 1, 2, 4]]
        compare(got["response"], expect(chosen - chosen.mean(0)), f"four channels of {layout}")
        assert got["units"] == "mV"


def test_one_dataset_per_channel():
    x = make("group")
    do_import("--dataset", "raw/ecog")
    got = read("study/responses/p1.scenes.h5")
    assert got["electrode"] == [f"ch{i}" for i in range(12)]
    x = np.concatenate([x, x]) + np.arange(12)[:, None]
    compare(got["response"], expect(x, names=got["electrode"]), "a group")


def test_laplacian_by_names_and_ranks():
    x = make("sample-channel")
    for ranks in (1, 3):
        do_import("--dataset", "raw/ecog", "--names", "raw/labels", "--reference", "laplacian", "--overwrite",
                  ranks=ranks)
        got = read("study/responses/p1.scenes.h5")
        assert got["electrode"] == ["LA2"]
        compare(got["response"], expect((x[1] - (x[0] + x[2]) / 2)[None], names=["LA2"]), f"laplacian, {ranks} ranks")


def relabelled(names):
    """A recording with other names of its channels, more of them."""
    x = np.random.default_rng(2).standard_normal((len(names), 20 * RATE)).astype("f4")
    with h5py.File("rec.h5", "w") as f:
        f["x"] = x
        f["names"] = names
    write_table("./events.csv", ["start", "what"], [[t, "x"] for t in (0.6, 3.3, 7.7)])


def shafts(*options):
    """The electrodes that the Laplacian takes, and what is said of the others."""
    done = chiasm("import", "events", "rec.h5", "-o", "study", *OPTIONS, "--dataset", "x", "--names", "names",
                  "--reference", "laplacian", "--overwrite", *options)
    succeeded(done)
    return read("study/responses/p1.scenes.h5")["electrode"], done.stderr


def test_nomenclatures():
    """The usual names of contacts; whoever is left out is named."""
    for names in (["A1", "A2", "A3", "A'1", "A'2", "A'3", "A'4"], ["EEG LA1-Ref", "EEG LA2-Ref", "EEG LA3-Ref"],
                  ["POL B9", "POL B10", "POL B11"], ["G_1", "G_2", "G_3"], ["LTG-1", "LTG-2", "LTG-3"],
                  ["LA1*", "LA2", "LA3#"], ["F3_9", "F3_10", "F3_11", "F310"], ["A1'", "A2'", "A3'", "A4"],
                  ["TP01", "TP02", "TP03"]):
        relabelled([*names, "ECG", "A9"])
        got, said = shafts()
        assert got == {"A1": ["A2", "A'2", "A'3"]}.get(names[0], [names[1]]), (names, got)
        assert "left out, 1 channels by their names on no shaft (see --shaft-pattern): ECG\n" in said, said
        other = [n for n in [*names, "A9"] if n not in got]
        assert "without two good neighbours on their shaft: " + ", ".join(other) + "\n" in said, said
    relabelled(["c1.A", "c2.A", "c3.A", "x"])
    refused(chiasm("import", "events", "rec.h5", "-o", "study", *OPTIONS, "--dataset", "x", "--names", "names",
                   "--reference", "laplacian", "--overwrite"), "no electrode is left", "--shaft-pattern tells the shafts")


def test_shaft_pattern():
    relabelled(["1-LA", "2-LA", "3-LA", "4-LB"])
    got, said = shafts("--shaft-pattern", "^()([0-9])-L")
    assert got == ["2-LA", "3-LA"], got
    relabelled(["LA-1", "LA-2", "LA-3", "sum LA"])
    got, said = shafts("--shaft-pattern", "^(L[A-Z])-([0-9]+)$")
    assert got == ["LA-2"] and "on no shaft (see --shaft-pattern): sum LA\n" in said
    for pattern, why in (("(", "Unmatched"), ("^(A)[0-9]+$", "fewer than two groups")):
        refused(chiasm("import", "events", "rec.h5", "-o", "study", *OPTIONS, "--dataset", "x", "--reference", "laplacian",
                       "--shaft-pattern", pattern), "--shaft-pattern", why, "two groups")
    refused(chiasm("import", "events", "rec.h5", "-o", "study", *OPTIONS, "--dataset", "x", "--shaft-pattern", "(a)(b)"),
            "--shaft-pattern needs --reference laplacian")


def test_left_out_channels():
    make("channel-sample")
    done = chiasm("import", "events", "rec.h5", "-o", "study", *OPTIONS, "--dataset", "raw/ecog", "--names", "raw/labels",
                  "--channels", "LA*")
    succeeded(done)
    assert "left out, 3 channels that --channels leaves out: LB1, LB2, EKG\n" in done.stderr
    assert "the events are sorted, which moves 2 of 6, and /row in the file" in done.stderr, done.stderr


def test_two_at_once():
    """The second import of one recording is refused while the first is at work."""
    make("channel-sample")
    command = ["import", "events", "rec.h5", "-o", "study", *map(str, OPTIONS), "--dataset", "raw/ecog"]
    with Gate("p1.scenes.h5.written") as gate:
        first = subprocess.Popen([CHIASM, *command], env=environment(gate), stderr=subprocess.DEVNULL)
        gate.wait()
        refused(chiasm(*command), "p1.scenes.h5: another job is writing this file")
        gate.open()
        assert first.wait() == 0
    assert os.listdir("study/responses") == ["p1.scenes.h5"]


def test_bids():
    """events.tsv: tabs, `onset`, rows without one; a column of another name."""
    x = make("channel-sample")
    with open("events.tsv", "w") as f:
        f.write("onset\tduration\ttrial_type\n" + "".join(f"{t}\t0.1\t{name}\n" for t, name in
                                                        ((0.5, "a, b"), ("n/a", "c"), (3.301, '"d"'), (7.777, "e"))))
    base = [o for o in OPTIONS if o not in ("--event-file", "events.csv")]
    do = lambda *options: chiasm("import", "events", "rec.h5", "-o", "study", *base, "--dataset", "raw/ecog", *options)
    done = do("--event-file", "events.tsv")
    succeeded(done)
    assert "3 events; left out: 0 outside the recording, 0 in a pause, 1 without a start" in done.stderr
    assert list(read("study/responses/p1.scenes.h5")["row"]) == [0, 2, 3]
    write_table("./other.csv", ["begin", "start"], [[0.5, 19], [3.3, 1]])
    succeeded(do("--event-file", "other.csv", "--event-column", "begin", "--overwrite"))
    assert list(read("study/responses/p1.scenes.h5")["row"]) == [0, 1]
    refused(do("--event-file", "other.csv", "--event-column", "end", "--overwrite"), "other.csv: has no column `end`")


def test_refused():
    make("channel-sample")
    run = lambda *options, file="rec.h5": chiasm("import", "events", file, "-o", "study", *OPTIONS, *options)
    refused(run(), "rec.h5: /data is missing")
    refused(run("--dataset", "raw/nothing"), "rec.h5: /raw/nothing is missing")
    refused(run("--dataset", "raw/labels"), "rec.h5: /raw/labels is string of 1 dimensions")
    refused(run("--dataset", "raw"), "rec.h5: /raw holds no one-dimensional datasets of numbers")
    refused(run("--dataset", "raw/ecog", "--names", "raw/ecog"), "rec.h5: /ecog has 2 dimensions, expected 1")
    refused(run("--dataset", "raw/ecog", "--names", "raw/labels", "--layout", "sample-channel"),
            "rec.h5: /raw/ecog has 10000 channels, but raw/labels holds 6 names")
    refused(run("--dataset", "raw/ecog", "--channels", "X*"), "rec.h5: of 6 channels no electrode is left to import")
    with h5py.File("square.h5", "w") as f:
        f["data"] = np.zeros((300, 300))
    refused(run(file="square.h5"), "square.h5: /data is as long as it is wide, 300: say by --layout")
    refused(run("--dataset", "raw/ecog", file="no.h5"), "no.h5: there is no such file")
    refused(run("--dataset", "raw/ecog", file="events.csv"), "events.csv: is not an HDF5 file")
    refused(run("--dataset", "raw/ecog", "--rate", 0), "--rate is missing")


if __name__ == "__main__":
    run_tests(dict(globals()))
