"""What the jobs of scaling.sh measured: OUT/scaling.csv, a table, and OUT/scaling.png where matplotlib is."""
import csv
import re
import sys
from pathlib import Path

SHARES = ("computed", "read", "wrote", "waited")
COLUMNS = ("kind", "ranks", "threads", "wall_s", "speedup", "efficiency",
           *(f"{name}_s" for name in SHARES), "other_s")


def read_job(folder):
    """One row, without what needs the others. The shares are means over the ranks; `other` is the
    program's start, the study's checksum and the end."""
    kind, ranks = folder.name.split("-")
    threads, start, end = (folder / "seconds").read_text().split()
    row = {"kind": kind, "ranks": int(ranks), "threads": int(threads), "wall_s": float(end) - float(start)}
    line = re.findall(r"fit: of the time \((.*) s\), ranks (.*)", (folder / "run/log.txt").read_text())[-1]
    sweep_s = float(line[0])
    for name in SHARES:
        row[f"{name}_s"] = sweep_s * float(re.search(rf"{name} ([0-9.]+) %", line[1]).group(1)) / 100
    row["other_s"] = max(0, row["wall_s"] - sum(row[f"{name}_s"] for name in SHARES))
    return row


def compare(rows):
    """Speed-up and efficiency against the fewest ranks of the same kind."""
    first = {}
    for row in rows:
        base = first.setdefault(row["kind"], row)
        work = row["ranks"] / base["ranks"] if row["kind"] == "weak" else 1
        row["speedup"] = work * base["wall_s"] / row["wall_s"]
        row["efficiency"] = row["speedup"] * base["ranks"] / row["ranks"]


def plot(rows, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker
    kinds = sorted({row["kind"] for row in rows})
    figure, axes = pyplot.subplots(len(kinds), 3, figsize=(12, 3.5 * len(kinds)), squeeze=False)
    for of_kind, kind in zip(axes, kinds):
        mine = [row for row in rows if row["kind"] == kind]
        ranks = [row["ranks"] for row in mine]
        of_kind[0].loglog(ranks, [row["wall_s"] for row in mine], "o-")
        base = mine[0]
        of_kind[0].loglog(ranks, [base["wall_s"] * (base["ranks"] / r if kind == "strong" else 1)
                                  for r in ranks], ":", color="grey")
        of_kind[0].set_ylabel(f"{kind}: time (s); dotted: ideal")
        of_kind[1].semilogx(ranks, [100 * row["efficiency"] for row in mine], "o-")
        of_kind[1].set(ylim=(0, 110), ylabel="efficiency (%)")
        below = [0.0] * len(mine)
        for name in (*SHARES, "other"):
            share = [100 * row[f"{name}_s"] / row["wall_s"] for row in mine]
            of_kind[2].bar([str(r) for r in ranks], share, bottom=below, label=name)
            below = [a + b for a, b in zip(below, share)]
        of_kind[2].set_ylabel("where a rank's time went (%)")
        of_kind[2].legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
        for ax in of_kind:
            ax.set_xlabel("ranks")
        for ax in of_kind[:2]:
            ax.set_xticks(ranks, [str(r) for r in ranks])
            ax.xaxis.set_minor_locator(ticker.NullLocator())
        for which in (of_kind[0].yaxis.set_major_formatter, of_kind[0].yaxis.set_minor_formatter):
            which(ticker.FormatStrFormatter("%g"))
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    out = Path(sys.argv[1])
    rows = [read_job(path.parent) for path in out.glob("*-*/seconds")]
    if not rows:
        sys.exit(f"chiasm: error: {out}: no job of scaling.sh has ended here; see {out}/*/job.log")
    rows.sort(key=lambda row: (row["kind"], row["ranks"]))
    compare(rows)
    with open(out / "scaling.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
    print(f"{'':8}{'ranks':>7}{'time':>10}{'speed-up':>10}{'efficiency':>12}"
          + "".join(f"{name:>10}" for name in (*SHARES, "other")))
    for row in rows:
        print(f"{row['kind']:8}{row['ranks']:7}{row['wall_s']:8.1f} s{row['speedup']:10.2f}{100 * row['efficiency']:10.1f} %"
              + "".join(f"{100 * row[name + '_s'] / row['wall_s']:8.1f} %" for name in (*SHARES, "other")))
    try:
        plot(rows, out / "scaling.png")
        print(f"{out}/scaling.csv, {out}/scaling.png")
    except ImportError:
        print(f"{out}/scaling.csv; no plot: Debian's python3-matplotlib is not installed")


if __name__ == "__main__":
    main()
