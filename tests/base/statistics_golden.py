"""Prints statistics_golden.h: `/usr/bin/python3 statistics_golden.py > statistics_golden.h`."""
import numpy as np
import scipy.stats

print("/* Made by statistics_golden.py with numpy %s, scipy %s. */" % (np.__version__, scipy.__version__))


def table(name, columns, rows):
    print("static const double %s[][%d] = { /* %s */" % (name, len(columns), ", ".join(columns)))
    for row in rows:
        print("    {%s}," % ", ".join(repr(float(x)) for x in row))
    print("};")


def array(name, values):
    print("static const double %s[] = {%s};" % (name, ", ".join(repr(float(x)) for x in values)))


random = np.random.default_rng(7)
sample = np.sort(random.normal(size=11))
shares = [0, 0.025, 0.1, 0.25, 0.47, 0.5, 0.777, 0.95, 0.975, 1]
array("sample", sample)
table("percentiles", ["share", "of sample"], [(q, np.percentile(sample, 100 * q)) for q in shares])
p = np.round(random.uniform(size=12) ** 3, 3)
array("p_values", p)
# by their definition: the least of p_j n / rank over the larger ones
array("p_adjusted", [min(1, min(q * len(p) / np.sum(p <= q) for q in p if q >= x)) for x in p])
table("student_tails", ["t", "df", "upper tail"],
      [(t, df, scipy.stats.t.sf(t, df)) for df in (1, 2, 9, 49, 99, 199, 5000)
       for t in (-40, -2, -1e-9, 0, 1e-5, 0.3, 1, 1.96, 5, 12, 100)])
table("student_quantiles", ["upper tail", "df", "t"],
      [(p, df, scipy.stats.t.isf(p, df)) for df in (1, 2, 9, 49, 5000) for p in (0.3, 0.1, 0.05, 1e-3, 1e-6)])
