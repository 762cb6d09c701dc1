"""chiasm import brain-treebank beside scipy and numpy, on a small treebank with all its traps."""
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
from scipy import signal

from program import chiasm, run_tests, succeeded
from reference import (RATE, band, bins, cut, envelope, envelope_of, good, high_pass, notch, place, to_sample, treat)
from treebank_maker import make_treebank, write_table, write_timings

TOLERANCE = 1e-5  # of an electrode's spread over bins


def do_import(*options, root="treebank", study="study", ranks=0):
    result = chiasm("import", "brain-treebank", root, "-o", study, "--subject", 1, *options, ranks=ranks)
    succeeded(result)
    return result


def at_once(*calls):
    """Most of an import this small is spent waiting for MPI to start."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda call: call(), calls))


def read(path="study/responses/sub_1.language.h5"):
    with h5py.File(path) as f:
        out = {name: f[name][()] for name in f}
        out["units"] = f["response"].attrs["units"]
    for name in {"electrode", "region"} & set(out):
        out[name] = [text.decode() for text in out[name]]
    return out


def compare(got, expected, what):
    assert got.shape == expected.shape, (what, got.shape, expected.shape)
    spread = expected.std(axis=(0, 2), keepdims=True)
    worst = np.abs((got - expected) / spread).max()
    print(f"  {what}: worst difference {worst:.2g} of the spread")
    assert worst < TOLERANCE, (what, worst)


def sha(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def expect(truth, trial=0, events=None, **kinds):
    edges, _ = bins()
    signals = truth.signals[trial]
    names = good(signals, {"RT2aB4"})
    treated = treat(signals, names, **kinds)
    n_samples = len(signals["A1"])
    placed, dropped = place(events or truth.words[trial], n_samples, edges, lambda t: to_sample(t, truth.timings[trial]))
    return placed, dropped, treated, cut(treated, placed, edges)


def test_every_treatment():
    truth = make_treebank("treebank")
    cases = {
        "none": ([], {}),
        "notch": (["--notch", 60], {"filters": [notch]}),
        "high-pass": (["--high-pass", 0.5], {"filters": [lambda x: high_pass(x, 0.5)]}),
        "band": (["--band", "8,30"], {"filters": [lambda x: band(x, 8, 30)]}),
        "all filters, envelope, laplacian":
            (["--notch", 60, "--high-pass", 0.1, "--band", "70,150", "--envelope", "--reference", "laplacian"],
             {"filters": [notch, lambda x: high_pass(x, 0.1), lambda x: band(x, 70, 150), envelope_of],
              "reference": "laplacian"}),
        "laplacian, notch": (["--notch", 60, "--reference", "laplacian"], {"filters": [notch], "reference": "laplacian"}),
        "car": (["--reference", "car", "--high-pass", 1],
                {"filters": [lambda x: high_pass(x, 1)], "reference": "car"}),
        "zscore": (["--zscore", "--notch", 60], {"filters": [notch], "zscore": True}),
    }
    results = at_once(*(lambda n=n: do_import(*cases[n][0], study=n) for n in cases))
    for (name, (_, kinds)), result in zip(cases.items(), results):
        placed, dropped, treated, expected = expect(truth, **kinds)
        got = read(f"{name}/responses/sub_1.language.h5")
        compare(got["response"], expected, name)
        assert got["electrode"] == list(treated), (name, got["electrode"])
        assert got["units"] == ("z" if name == "zscore" else "uV")
        assert list(got["row"]) == [row for _, row in placed]
        np.testing.assert_array_equal(got["onset"], [s / RATE for s, _ in placed])
        assert f"left out: {dropped[0]} outside the recording, {dropped[1]} in a pause, {dropped[2]} without" in result.stderr
        assert dropped[0] > 3 and dropped[2] == 1, dropped
        if "envelope" in name:
            ideal = {n: np.abs(signal.hilbert(x)) for n, x in treat(
                truth.signals[0], good(truth.signals[0], {"RT2aB4"}), "laplacian", kinds["filters"][:-1]).items()}
            ideal = cut(ideal, placed, bins()[0])
            worst = np.abs((got["response"] - ideal) / ideal.std(axis=(0, 2), keepdims=True)).max()
            print(f"  beside abs(hilbert()): worst difference {worst:.2g} of the spread")
            assert worst < 2e-3, worst
    assert list(treated) == ["A1", "A2", "A3", "A4", "A5", "RT2aB1", "RT2aB2", "RT2aB3"]
    np.testing.assert_allclose(got["time"], bins()[1], atol=1e-12)
    assert len(got["time"]) == 161 and abs(got["time"][0] + 1.9) < 1e-12


def test_envelope_is_near_hilbert():
    x = band(np.random.default_rng(0).standard_normal(20 * RATE).cumsum(), 70, 150)
    middle = slice(RATE, -RATE)
    ideal = np.abs(signal.hilbert(x))
    worst = np.abs(envelope(x, 70) - ideal)[middle].max() / ideal[middle].std()
    print(f"  Hilbert transformer of finite length: {worst:.2g} of the spread from hilbert")
    assert worst < 0.02, worst


def test_labels_and_places():
    make_treebank("treebank")
    result = do_import("--reference", "laplacian")
    got = read()
    assert got["electrode"] == ["A2", "A3", "A4", "RT2aB2"], got["electrode"]
    assert got["region"] == ["superiortemporal", "Hippocampus", "Unknown", "insula"], got["region"]
    np.testing.assert_array_equal(got["x"], np.array([2, 3, 4, np.nan], "f4"))
    np.testing.assert_array_equal(got["z"], np.array([2, 4, 6, np.nan], "f4"))
    assert "electrode_11 on are ignored" in result.stderr
    assert "1 of 4 electrodes have no coordinates there, the first is RT2aB2" in result.stderr
    do_import("--overwrite", "--atlas", "Destrieux")
    got = read()
    assert got["region"][:5] == ["x"] * 4 + [""] and len(got["electrode"]) == 8


def test_numbers_parted_by_underscores():
    """F3_10 is the tenth of F3, not the 310th of F; other '_' go, as in the authors' code."""
    labels = ["F3_9*", "F3_10", "F3_11#", "F310", "L_T1", "L_T2", "LT3", "DC1"]
    make_treebank("treebank", labels=labels, corrupted=["F3_11#"])
    result = do_import()
    assert read()["electrode"] == ["F3_9", "F3_10", "F310", "LT1", "LT2", "LT3"]
    assert "left out, 1 channels that corrupted_elec.json lists: F3_11\n" in result.stderr
    assert "left out, 1 channels that are triggers: DC1\n" in result.stderr
    do_import("--reference", "laplacian", "--overwrite")
    assert read()["electrode"] == ["LT2"]


def test_vision_of_an_event_file():
    truth = make_treebank("treebank")
    do_import()
    before = sha("study/responses/sub_1.language.h5")
    write_table("./scenes.csv", ["scene", "start"], [["cut", t] for t in (30.5, 2.25, 20.345, 20.0, 21.5, "", 36.75)])
    with open("scenes.csv", newline="") as f:
        text = f.read()
    with open("marked.csv", "w", newline="", encoding="utf-8-sig") as f:  # as Excel writes it, with Unix line ends
        f.write(text.replace("\r\n", "\n\n"))
    do_import("--alignment", "vision", "--event-file", "marked.csv")
    placed, _, _, expected = expect(truth, events="scenes.csv")
    got = read("study/responses/sub_1.vision.h5")
    compare(got["response"], expected, "vision")
    assert list(got["row"]) == [1, 3, 2, 4, 0, 6], got["row"]
    assert sha("study/responses/sub_1.language.h5") == before


def test_events_in_a_pause_are_dropped():
    """The film ran on a little after the last row before the pause."""
    truth = make_treebank("treebank", seconds=45, breaks=((20.35, 5.0),))
    timings = [(kind, 21.4 if kind == "unpause" else m, index) for kind, m, index in truth.timings[0]]
    write_timings("treebank/subject_timings/sub_1_trial000_timings.csv", timings)
    truth.timings[0] = timings
    result = do_import()
    placed, dropped, _, expected = expect(truth)
    compare(read()["response"], expected, "around a pause")
    assert dropped[1] > 0 and f"{dropped[1]} in a pause" in result.stderr, (dropped, result.stderr)


def test_trials_become_sessions():
    truth = make_treebank("treebank", trials=(0, 1, 2), flat=False, seconds=45, breaks=((20.35, 5.0),))
    do_import("--trial", "2,0,1", "--notch", 60)
    got = read()
    parts = [expect(truth, trial, filters=[notch]) for trial in (2, 0, 1)]
    compare(got["response"], np.concatenate([p[3] for p in parts]), "three trials")
    assert list(got["session"]) == [i for i, p in enumerate(parts) for _ in p[0]]
    assert list(got["row"]) == [row for p in parts for _, row in p[0]]
    for trial, start in ((0, 10), (1, 11.5), (2, 12.5)):
        write_table(f"./scenes{trial}.csv", ["start"], [[start]])
    do_import("--trial", "2,0,1", "--alignment", "scenes", "--event-file", "scenes2.csv,scenes0.csv,scenes1.csv")
    lags = read("study/responses/sub_1.scenes.h5")["onset"] - [12.5, 10, 11.5]
    assert np.ptp(lags) < 0.05, lags


def test_same_bytes_for_any_number_of_ranks():
    make_treebank("treebank", trials=(0, 1), seconds=45, breaks=((20.35, 5.0),))
    for i, options in enumerate((["--reference", "car", "--zscore"],
                                 ["--reference", "laplacian", "--notch", 60, "--band", "70,150", "--envelope"])):
        counts = ((0, 2, 3, 4), (1, 3))[i]
        at_once(*(lambda n=n: do_import("--trial", "0,1", *options, study=f"study{i}-{n}", ranks=n) for n in counts))
        shas = {sha(f"study{i}-{ranks}/responses/sub_1.language.h5") for ranks in counts}
        assert len(shas) == 1, (options, shas)


def test_more_ranks_than_electrodes():
    make_treebank("treebank", labels=["A1", "A2", "A3"], corrupted=[], seconds=40)
    do_import("--reference", "laplacian", ranks=3)
    assert read()["electrode"] == ["A2"]


def test_check_is_content_and_xarray_reads_it():
    import xarray as xr
    make_treebank("treebank")
    do_import("--zscore", ranks=2)
    os.makedirs("study/features/sub_1.language")
    n = read()["response"].shape[0]
    with h5py.File("study/features/sub_1.language/net.h5", "w") as f:
        f.attrs.update(chiasm_format=1, model="net", modality="vision", training="trained")
        f["layers/a"] = np.random.default_rng(0).standard_normal((n, 5)).astype("f4")
    result = chiasm("check", "study")
    succeeded(result)
    warnings = [line for line in result.stderr.splitlines() if "warning" in line]
    assert all("overlap with events of another fold" in w or "random twin" in w for w in warnings), warnings
    with xr.open_dataset("study/responses/sub_1.language.h5", engine="h5netcdf") as data:
        assert data.response.dims == ("event", "electrode", "time")
        assert data.row.dims == ("event",) and data.x.dims == ("electrode",)


def test_packed_in_chunks_of_any_size():
    truth = make_treebank("treebank", seconds=45, breaks=((20.35, 5.0),), chunks=(50000,), compression="gzip",
                          dtype="f4")
    do_import("--notch", 60)
    compare(read()["response"], expect(truth, filters=[notch])[3], "float32, gzip, chunks")


def test_key_of_corrupted_and_no_key():
    make_treebank("treebank", corrupted_key="subject1", seconds=45, breaks=((20.35, 5.0),))
    do_import()
    assert "RT2aB4" not in read()["electrode"]
    with open("treebank/corrupted_elec.json", "w") as f:
        json.dump({}, f)
    result = do_import("--overwrite")
    assert "RT2aB4" in read()["electrode"] and "neither sub_1 nor subject1" in result.stderr


def test_second_run_needs_overwrite():
    make_treebank("treebank", seconds=45, breaks=((20.35, 5.0),))
    do_import()
    before = sha("study/responses/sub_1.language.h5")
    result = chiasm("import", "brain-treebank", "treebank", "-o", "study", "--subject", "sub_1")
    assert result.returncode == 2 and "is there already; --overwrite replaces it" in result.stderr
    assert sha("study/responses/sub_1.language.h5") == before and os.listdir("study/responses") == ["sub_1.language.h5"]


if __name__ == "__main__":
    run_tests(globals())
