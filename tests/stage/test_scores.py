"""Every score of `chiasm fit` against scikit-learn, on layers and responses that are hard to fit.

The numbers: r within 2e-6, or 1e-9 and the rounding of fit.h5's float32 with --precision double."""
import os
import sys
import tempfile
import warnings

import numpy as np

from hard_study import make_far_study, make_hard_study, make_plain_study
from reference.runs import Reference, chiasm_fit, read_fit

FAILURES = []


def unsaid(run, printed):
    """What the end of a fit does not say of scores that are NaN: lines."""
    units = read_fit(run)
    fitted = {unit: got["test_r"][got["done"] == 1] for unit, got in units.items()}
    without = sum(np.isnan(r).sum() for r in fitted.values())
    scores = sum(r.size for r in fitted.values()) - without
    by_space = {}
    for unit, r in fitted.items():
        by_space.setdefault(unit[::2], []).append(r.ravel())
    empty = [space for (_, space), r in by_space.items() if np.isnan(np.concatenate(r)).all()]
    texts = ([f"{scores} targets have scores, {without} have none"] if without else
             [f"all {scores} targets have scores"])
    if empty:
        texts.append(f"feature spaces without any score: {len(empty)} ({empty[0]}")
    return [f"not said: {text}" for text in texts if text not in printed]


def check(what, reference, folder, *options, ranks=2, precision="mixed", **reference_options):
    """One run, compared. Its folder's name is `what`."""
    run = os.path.join(folder, what)
    if precision == "double":
        options += ("--precision", "double")
    done = chiasm_fit(reference.study, run, *options, ranks=ranks)
    if done.returncode != 0:
        FAILURES.append(f"{what}: exit code {done.returncode}\n{done.stdout}")
        return
    wrong, compared = reference.disagreements(run, precision, **reference_options)
    if compared == 0:
        wrong.append("nothing was compared")
    wrong += unsaid(run, done.stdout)
    FAILURES.extend(f"{what}: {text}" for text in wrong)
    print(f"{what}: {compared} fits compared, {len(wrong)} disagreements", flush=True)


def main():
    warnings.simplefilter("ignore")  # singular matrices are the point here
    with tempfile.TemporaryDirectory() as folder:
        hard = Reference(make_hard_study(os.path.join(folder, "hard")))
        # Subjects and models differ by design; each subject has its own layers.
        check("mixed", hard, folder, "--allow-missing")
        check("double", hard, folder, "--allow-missing", precision="double")
        check("one-rank", hard, folder, "--subjects", "f32", "--models", "x*", "--threads", 2,
              ranks=1, only=lambda alignment, subject, space: subject == "f32"
              and space.startswith("x"))

        check("far", Reference(make_far_study(os.path.join(folder, "far-study"))), folder)

        plain = Reference(make_plain_study(os.path.join(folder, "plain")))
        check("one-alpha", plain, folder, "--alphas", "30", "--folds", 2, alphas=(30,), folds=2)
        check("far-alphas", plain, folder, "--alphas", "0.001,3.3,1e6,1e7", "--folds", 3,
              alphas=(0.001, 3.3, 1e6, 1e7), folds=3)
        check("ten-folds", plain, folder, "--folds", 10, precision="double", folds=10)
        check("gap", plain, folder, "--gap", 4.25, gap=4.25)
        check("gap-double", plain, folder, "--gap", 9.5, "--folds", 4, "--electrode-block", 1,
              precision="double", gap=9.5, folds=4)
    print("\n".join(FAILURES))
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
