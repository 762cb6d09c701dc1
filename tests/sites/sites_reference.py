"""The comparisons of sites again, from protocol.md, in numpy and scipy: a list of dicts, one per row
of sites.csv."""
import math
import os

import h5py
import numpy as np
import yaml
from scipy.stats import t as student

NAN = float("nan")


# ---- random numbers ----

def fnv1a(text):
    h = 14695981039346656037
    for byte in text.encode():
        h = ((h ^ byte) * 1099511628211) % 2**64
    return h


def words(seed, stream, c1, c2, c3, n):
    """n words of Philox4x64-10 at counters (0, c1, c2, c3), (1, c1, c2, c3), ...; numpy's own
    generator counts up before it draws."""
    start = (c3 << 192) + (c2 << 128) + (c1 << 64) - 1
    key = (fnv1a(stream) << 64) + seed
    return np.random.Philox(counter=start, key=key).random_raw(n)


def below(word, n):
    """floor(word n / 2^64), in halves of words."""
    high, low = word >> np.uint64(32), word & np.uint64(0xffffffff)
    carry = (low * np.uint64(n)) >> np.uint64(32)
    return ((high * np.uint64(n) + carry) >> np.uint64(32)).astype(np.int64)


# ---- reading ----

class Table:
    """One alignment: per model and site the row of bootstrap.h5 and the scores there."""

    def __init__(self, name, fit, boot):
        text = lambda g, key: [x.decode() for x in g[key][()].ravel()]
        self.name = name
        self.boot = boot
        self.sites = list(zip(text(fit, "subject"), text(fit, "electrode")))
        self.region = text(fit, "region")
        self.xyz = np.stack([fit[c][()] for c in "xyz"], 1)
        spaces = list(zip(text(fit, "model"), text(fit, "layer")))
        info = {m: (n, mod, t) for m, n, mod, t in zip(text(fit, "model"), text(fit, "network"),
                                                       text(fit, "modality"),
                                                       text(fit, "training"))}
        rows = text(boot, "model")
        self.models = {m: info[m] for m in sorted(set(rows))}
        layer = np.array(text(boot, "layer"), dtype=object).reshape(len(rows), len(self.sites))
        val_r, self.fit_test = fit["val_r"][()].astype(float), fit["test_r"][()].astype(float)
        self.fit_val = val_r
        self.influence = "n_blocks" in boot
        self.keeps = "test_r" in boot
        if self.influence:
            subject = [s for s, _ in self.sites]
            own = dict(zip(dict.fromkeys(subject), boot["n_blocks"][()]))
            self.own = [own[s] for s in subject]
        else:
            self.low = boot["val_r_lower"][()].astype(float)
            self.val = boot["val_r_mean"][()].astype(float)
            self.test = boot["test_r_mean"][()].astype(float)
        if not self.keeps:
            self.kept_at = np.stack([boot[f"kept_{k}"][()] for k in ("row", "site", "time")], 1)
        self.where = {}
        for model in self.models:
            for s in range(len(self.sites)):
                best = None
                for r, name_of_row in enumerate(rows):
                    if name_of_row != model or layer[r, s] == "":
                        continue
                    f = spaces.index((model, layer[r, s]))
                    x = val_r[f, s]
                    mean = x[np.isfinite(x)].mean() if np.isfinite(x).any() else -np.inf
                    if best is None or mean > best[0]:
                        best = (mean, r, f, layer[r, s])
                self.where[model, s] = best and best[1:]
        if self.influence:
            self.by_influences(len(rows))

    def by_influences(self, n_rows):
        """The scores of the fit for the means; the lower ends as in store/influence_read.h."""
        shape = (n_rows, *self.fit_val.shape[1:])
        self.low, self.val, self.test = (np.full(shape, NAN) for _ in range(3))
        self.low_half = np.full((2, *shape), NAN)
        for (model, s), at in self.where.items():
            if at:
                row, f, _ = at
                draws = [self.replicates(model, s, name) for name in ("val_r", "test_r")]
                r = self.fit_val[f, s], self.fit_test[f, s]
                self.val[row, s], self.test[row, s] = r
                self.low[row, s], sure = self.interval(draws, r, 0.5, 0.1)
                for half in range(2):
                    self.low_half[half, row, s] = self.interval(draws, r, half, 0.05)[0]
                if not sure:
                    self.low[row, s], self.low_half[:, row, s] = -np.inf, -np.inf

    @staticmethod
    def interval(draws, r, share, tail):
        """Lower ends, and whether the best bin is sure."""
        df = len(draws[0]) - 1
        own = np.sqrt((((1 - share) * draws[0] + share * draws[1]) ** 2).sum(0))
        own[np.isnan(r[0] + r[1])] = NAN
        known = int(np.isfinite(own).sum())
        if known == 0:
            return own, False
        score, spread = (1 - share) * r[0] + share * r[1], np.maximum(own, np.sqrt(np.nanmean(own ** 2)))
        return score - student.isf(tail, df) * spread, np.nanmax(score / spread) > student.isf(0.05 / known, df)

    def replicates(self, model, s, name="test_r"):
        row = self.where[model, s][0]
        if self.keeps:
            draws = self.boot[name][row, s].astype(float)
            return draws[:self.own[s]] if self.influence else draws
        shape = self.boot["replicate"].shape[0], self.boot["time"].shape[0]
        out = np.full(shape, NAN)
        for i in np.flatnonzero((self.kept_at[:, 0] == row) & (self.kept_at[:, 1] == s)):
            out[:, self.kept_at[i, 2]] = self.boot["kept_" + name][i]
        return out

    def kept(self, model, s, half=None):
        """By the half of the events, where that counts."""
        at = self.where[model, s]
        low = self.low if half is None or not self.influence else self.low_half[half]
        return low[at[0], s] > 0 if at else np.zeros(self.low.shape[2], bool)


def mean(x, mask):
    mask = mask & np.isfinite(x)
    return x[mask].mean() if mask.any() else NAN


# ---- the tests ----

class Reference:
    def __init__(self, run, test="events", min_bins=10, fdr=0.05, seed=0, selection="fixed"):
        self.test, self.min_bins, self.fdr, self.seed, self.selection = test, min_bins, fdr, seed, selection
        self.influence = test.startswith("influence")
        with h5py.File(os.path.join(run, "fit.h5")) as fit, \
                h5py.File(os.path.join(run, "influence.h5" if self.influence else "bootstrap.h5")) as boot:
            self.tables = [Table(name, fit[name], boot[name]) for name in sorted(boot)]
            study = fit.attrs["study"]
            path = os.path.join(study, "study.yaml")
            contrasts = {}
            if os.path.exists(path):
                with open(path) as f:
                    contrasts = (yaml.safe_load(f) or {}).get("contrasts") or {}
            self.rows = self.all_rows(contrasts)
        for name in dict.fromkeys(r["comparison"] for r in self.rows):
            self.adjust([r for r in self.rows if r["comparison"] == name])

    # which models
    def side(self, t, what):
        if isinstance(what, tuple):
            return [m for m, (_, mod, tr) in t.models.items() if mod in what and tr == "trained"]
        if isinstance(what, dict):
            return self.side(t, (what["modality"],))
        if any(what in u.models for u in self.tables):
            return [m for m in t.models if m == what]
        return [m for m, (n, _, tr) in t.models.items() if n == what and tr == "trained"]

    def pairs(self, t, name, contrasts):
        if name == "trained-beats-random":
            out = []
            for network in sorted(set(n for n, _, _ in t.models.values())):
                of = lambda tr: [m for m, (n, _, x) in t.models.items() if n == network and x == tr]
                if of("trained") and of("random"):
                    out.append((network, of("trained"), of("random")))
            return out
        better, than = {"multi-beats-unimodal": (("multimodal",), ("vision", "language")),
                        "multi-beats-linear": (("multimodal",), ("linear",))}.get(name) or (
                            contrasts[name]["better"], contrasts[name]["than"])
        sides = self.side(t, better), self.side(t, than)
        return [("", *sides)] if all(sides) else []

    # one row
    def row(self, name, t, s, network, better, than):
        row = dict(comparison=name, alignment=t.name, subject=t.sites[s][0],
                   electrode=t.sites[s][1], region=t.region[s], x=t.xyz[s, 0], y=t.xyz[s, 1],
                   z=t.xyz[s, 2], better="", than="", layer_better="", layer_than="",
                   bins_better=0, bins_than=0, bins=0, r_better=NAN, r_than=NAN, difference=NAN,
                   se=NAN, p=NAN, p_adjusted=NAN, significant=0, by_default=0, network=network)
        part = [m for m in better + than if t.kept(m, s).sum() >= self.min_bins]
        unions = [np.any([t.kept(m, s, half) for m in part], 0) if part else np.zeros(t.low.shape[2], bool)
                  for half in range(2)]
        union = unions[0]
        row["bins"] = int(union.sum())
        choose = self.by_score if self.test == "bins" else self.by_val
        models = [choose(t, s, side, part, union) for side in (better, than)]
        for which, model, side in (("better", models[0], better), ("than", models[1], than)):
            named = model or (side[0] if len(side) == 1 else None)
            if named:
                row[which] = named
                row["layer_" + which] = t.where[named, s][2] if t.where[named, s] else ""
                row["bins_" + which] = int(t.kept(named, s).sum())
        row["by_default"] = int(self.test == "bins" and (models[0] is None) != (models[1] is None))
        if self.test in ("crossed", "influence-crossed"):
            others = [self.by_test(t, s, side, part, unions[1]) for side in (better, than)]
            self.crossed(t, s, models, others, unions, row)
        else:
            getattr(self, "bins" if self.test == "bins" else "events")(t, s, models, union, row)
        row["difference"] = row["r_better"] - row["r_than"]
        anew = self.selection == "multiplier" or (self.selection == "auto" and len(better) != len(than))
        if self.influence and anew and not math.isnan(row["p"]):
            row["p"] = self.multiplier(t, s, better, than, unions, row["difference"])
        return row

    def by_val(self, t, s, side, part, union):
        scores = [mean(t.val[t.where[m, s][0], s], union) if t.where[m, s] and part else NAN
                  for m in side]
        return side[int(np.nanargmax(scores))] if np.isfinite(scores).any() else None

    def by_test(self, t, s, side, part, union):
        scores = [mean(t.test[t.where[m, s][0], s], union) if t.where[m, s] and part else NAN
                  for m in side]
        return side[int(np.nanargmax(scores))] if np.isfinite(scores).any() else None

    def by_score(self, t, s, side, part, union):
        scores = [mean(t.test[t.where[m, s][0], s], t.kept(m, s)) if m in part else NAN
                  for m in side]
        return side[int(np.nanargmax(scores))] if np.isfinite(scores).any() else None

    def events(self, t, s, models, union, row):
        x = [t.fit_test[t.where[m, s][1], s] if m else None for m in models]
        if all(m for m in models):
            union = union & np.isfinite(x[0]) & np.isfinite(x[1])
        for key, values in zip(("r_better", "r_than"), x):
            if values is not None:
                row[key] = mean(values, union)
        if not all(models) or not union.any():
            return
        d = (t.replicates(models[0], s) - t.replicates(models[1], s))[:, union]
        some = np.isfinite(d).any(1)
        d = np.array([np.nanmean(one) for one in d[some]])
        self.spread(d, len(some), row)

    def spread(self, d, n, row):
        """se and p by the finite ones of n draws."""
        if self.influence:
            row["se"] = np.sqrt((d ** 2).sum()) if n >= 10 and len(d) == n else NAN
        elif n - len(d) <= 0.05 * n and len(d) > 1:
            row["se"] = d.std(ddof=1)
        if row["se"] > 0:
            row["p"] = student.sf((row["r_better"] - row["r_than"]) / row["se"], len(d) - 1)

    def multiplier(self, t, s, better, than, unions, d):
        """The p of a difference d if its models are chosen anew in 1,000 draws of weights for the blocks."""
        n = t.own[s]
        weight = np.stack([self.normals(f"{t.sites[s][0]}.{t.name}", i, n) for i in range(1000)])
        draw, star = np.arange(1000), 0
        halves = ((1, 0.5), (0, 0.5)) if self.test == "influence-crossed" else ((1, 1),)
        for half, share in halves:
            union = unions[1 - half]
            for sign, side in ((1, better), (-1, than)):
                models = [m for m in side if t.where[m, s]]
                x = np.array([[weight @ [mean(one, union) for one in t.replicates(m, s, name)] for m in models]
                              for name in ("val_r", "test_r")])
                x = x[:, [np.isfinite(x[0][i] + x[1][i]).all() for i in range(len(models))]]
                star = star + sign * share * x[half][x[1 - half].argmax(0), draw]
        return (1 + (star >= d).sum()) / 1001

    def normals(self, stream, draw, n):
        u = ((words(self.seed, stream, draw, 2, 0, -(-n // 4) * 4) >> np.uint64(11)).astype(float) + 1) / 2 ** 53
        radius, angle = np.sqrt(-2 * np.log(u[0::2])), 2 * np.pi * u[1::2]
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()[:n]

    def crossed(self, t, s, by_val, by_test, unions, row):
        """Half the difference of test_r plus half that of val_r, each between models chosen by
        the other."""
        r, d = np.zeros(2), 0
        for models, plain, name, union in ((by_val, t.fit_test, "test_r", unions[0]),
                                           (by_test, t.fit_val, "val_r", unions[1])):
            x = [plain[t.where[m, s][1], s] if m else None for m in models]
            over = union
            if all(models):
                over = union & np.isfinite(x[0]) & np.isfinite(x[1])
            r += [0.5 * (NAN if v is None else mean(v, over)) for v in x]
            if all(models) and over.any():
                one = (t.replicates(models[0], s, name) - t.replicates(models[1], s, name))[:, over]
                d = d + np.array([0.5 * (np.nanmean(v) if np.isfinite(v).any() else NAN) for v in one])
        row["r_better"], row["r_than"] = r
        if not np.isfinite(r).all():
            return
        self.spread(d[np.isfinite(d)], len(d), row)

    def bins(self, t, s, models, union, row):
        values = []
        for m, key in zip(models, ("r_better", "r_than")):
            if m:
                x = t.test[t.where[m, s][0], s]
                values.append(x[t.kept(m, s) & np.isfinite(x)])
                row[key] = values[-1].mean()
        if not all(models):
            return
        k = [len(v) for v in values]
        site = f"{t.name}/{row['subject']}/{row['electrode']}/{row['network']}"
        w = words(self.seed, "sites", 1, fnv1a(row["comparison"]), fnv1a(site), 10000 * sum(k))
        w = w.reshape(10000, sum(k))
        x = values[0][below(w[:, :k[0]], k[0])].mean(1)
        y = values[1][below(w[:, k[0]:], k[1])].mean(1)
        row["se"] = (x - y).std(ddof=1)
        row["p"] = (1 + (x - y <= 0).sum()) / 10001

    # rows of rows
    @staticmethod
    def worst(parts, name, alignment=None):
        best = parts[0]
        for other in parts[1:]:
            if not math.isnan(best["p"]) and (math.isnan(other["p"]) or other["p"] > best["p"]):
                best = other
        return {**best, "comparison": name, "alignment": alignment or best["alignment"]}

    def all_rows(self, contrasts):
        single = {}
        names = ["trained-beats-random", "multi-beats-unimodal", "multi-beats-linear", *contrasts]
        for name in names:
            single[name] = [self.row(name, t, s, *pair) for t in self.tables
                            for s in range(len(t.sites))
                            for pair in self.pairs(t, name, contrasts)]
        u = {(r["alignment"], r["subject"], r["electrode"]): r
             for r in single["multi-beats-unimodal"]}
        single["integration"] = [
            self.worst([u[key], r], "integration") for r in single["multi-beats-linear"]
            if (key := (r["alignment"], r["subject"], r["electrode"])) in u]
        rows = sum(single.values(), [])
        for name in single if len(self.tables) > 1 else ():
            by_site = {}
            for r in single[name]:
                by_site.setdefault((r["subject"], r["electrode"], r["network"]), []).append(r)
            rows += [self.worst(parts, name + "-both", "both") for parts in by_site.values()
                     if len(parts) == len(self.tables)]
        return rows

    def adjust(self, rows):
        """Benjamini and Hochberg, ten lines."""
        tested = sorted((r for r in rows if not math.isnan(r["p"])), key=lambda r: r["p"])
        least = 1.0
        for k in range(len(tested), 0, -1):
            least = min(least, tested[k - 1]["p"] * len(tested) / k)
            tested[k - 1]["p_adjusted"] = least
            tested[k - 1]["significant"] = int(least <= self.fdr)


def regions(rows):
    """regions.csv as a dict (comparison, alignment, region) -> sites, tested, significant."""
    sites = {}
    for r in rows:
        one = sites.setdefault((r["comparison"], r["alignment"], r["region"]), {})
        site = one.setdefault((r["subject"], r["electrode"]), [0, 0])
        site[0] |= not math.isnan(r["p"])
        site[1] |= r["significant"]
    return {key: (len(v), sum(t for t, _ in v.values()), sum(s for _, s in v.values()))
            for key, v in sites.items()}
