"""chiasm sites against the reference, column by column."""
import csv
import math
import os
import re

import h5py
import numpy as np

from program import chiasm, succeeded
from sites_reference import Reference, regions

COLUMNS = ("comparison,alignment,subject,electrode,region,x,y,z,better,than,layer_better,layer_than,"
           "bins_better,bins_than,bins,r_better,r_than,difference,se,p,p_adjusted,significant,"
           "by_default").split(",")
REALS = ("r_better", "r_than", "difference", "se", "p", "p_adjusted")


def plain(text):
    """Without the apostrophe by which a spreadsheet takes text that looks like a formula for text."""
    return text[1:] if re.match("'+[=+@-]", text) else text


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as f:
        return [{k: plain(v) for k, v in row.items()} for row in csv.DictReader(f)]


def number(text):
    return float(text) if text != "" else math.nan


def close(a, b, tolerance):
    return (math.isnan(a) and math.isnan(b)) or abs(a - b) <= tolerance * max(abs(a), abs(b)) + 1e-14


def check_row(place, want, got, tolerance):
    for c in COLUMNS:
        w, g = want[c], got[c]
        if isinstance(w, str):
            assert w == g, (place, c, w, g)
        else:
            limit = tolerance if c in REALS else 1e-5 if c in "xyz" else 0
            assert close(float(w), float(g), limit), (place, c, w, g, want)


def read_h5(path):
    with h5py.File(path) as f:
        assert sorted(f) == sorted([*COLUMNS, "row"])
        columns = {c: f[c].asstr()[()] if f[c].dtype == object else f[c][()] for c in COLUMNS}
        attributes = dict(f.attrs)
        return [{c: columns[c][i] for c in COLUMNS} for i in range(len(f["row"]))], attributes


def check_run(run, *options, **reference):
    """Run it and compare everything; gives the reference's rows and the output."""
    out = succeeded(chiasm("sites", run, *options))
    want = Reference(run, **reference).rows
    got = read_csv(os.path.join(run, "sites.csv"))
    assert len(want) == len(got), (len(want), len(got))
    h5, attributes = read_h5(os.path.join(run, "sites.h5"))
    assert len(h5) == len(want)
    for i, (w, g, h) in enumerate(zip(want, got, h5)):
        assert list(g) == COLUMNS
        check_row(i, w, {c: g[c] if isinstance(w[c], str) else number(g[c]) for c in COLUMNS}, 2e-8)
        check_row(i, w, h, 1e-9)
    counts = regions(want)
    table = read_csv(os.path.join(run, "regions.csv"))
    assert len(table) == len(counts)
    for line in table:
        n = counts[line["comparison"], line["alignment"], line["region"]]
        assert n == (int(line["sites"]), int(line["tested"]), int(line["significant"])), (line, n)
        percent = 100 * n[2] / n[1] if n[1] else math.nan
        assert close(percent, number(line["percent"]), 1e-6), line
    with open(os.path.join(run, "config.yaml")) as f:
        assert f.read() == attributes["config"]
    return want, out


def p_values(rows, comparison):
    return np.array([r["p"] for r in rows if r["comparison"] == comparison])
