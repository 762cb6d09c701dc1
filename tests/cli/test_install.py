"""The installed tree: a program of someone else's compiles with pkg-config and reads a run; pages."""
import os
import re
import subprocess
import sys

from limits import limit
from program import CHIASM, run_tests
from study_maker import make_study

BUILD, CC = sys.argv[1:3]
SANITIZE = sys.argv[3:]  # the sanitizers of the build, if it has any

SOURCE = r"""
#include <chiasm/run.h>
#include <stdio.h>
int main(int argc, char **argv)
{
  chi_fit_table *tables;
  int32_t n;
  if (argc < 2 || chi_run_read_tables(argv[1], &tables, &n) != CHI_OK) return puts(chi_message()), 1;
  printf("%s: %d spaces, %d sites\n", tables[0].alignment, (int)tables[0].n_spaces,
         (int)tables[0].n_sites);
  chi_fit_tables_free(&tables, n);
}
"""

# Fits one feature and one target, and asks how the score hangs on blocks of ten events: the library needs its BLAS too.
FITTING = r"""
#include <chiasm/influence.h>
#include <math.h>
#include <stdio.h>
enum { N = 60, BLOCKS = 6 };
int main(void)
{
  const double alphas[] = {1, 100};
  const chi_encode_options options = {.folds = 5, .n_alphas = 2, .alphas = alphas,
                                      .precision = CHI_REAL32, .threads = 1};
  static float x[N], y[N], val_r, test_r, alpha, of_val[BLOCKS], of_test[BLOCKS];
  static int32_t block[N];
  uint8_t missing;
  for (int i = 0; i < N; i++) {
    x[i] = (float)(i * 7 % 13);
    y[i] = x[i] + (float)(i * 5 % 11);
    block[i] = i * BLOCKS / N;
  }
  chi_responses_prepare(N, 1, CHI_REAL32, 1, y, &missing);
  const chi_features features = {N, 1, CHI_REAL32, x};
  const chi_responses responses = {.n_events = N, .n_electrodes = 1, .n_times = 1,
                                   .real = CHI_REAL32, .y = y, .missing = &missing};
  const chi_encode_part part = {0, 1, &val_r, &test_r, &alpha};
  const chi_influence influence = {&alpha, BLOCKS, block, of_val, of_test};
  chi_rows rows;
  chi_encoder *encoder;
  if (chi_rows_plain(&options, N, NULL, NULL, &rows) != CHI_OK) return 1;
  if (chi_encoder_create(&options, &encoder) != CHI_OK) return 1;
  if (chi_encode_fit(encoder, &rows, &features, &responses, &part, NULL) != CHI_OK) return 1;
  if (chi_encode_influence(encoder, CHI_RESIDUAL_HELD_OUT, &rows, &features, &responses,
                           &influence, NULL) != CHI_OK)
    return puts(chi_message()), 1;
  double squares = 0;
  for (int b = 0; b < BLOCKS; b++) squares += of_test[b] * of_test[b];
  printf("test r %.3f, standard deviation %.3f\n", test_r, sqrt(squares));
  chi_encoder_destroy(&encoder);
  chi_rows_free(&rows);
}
"""


def run(*command, **kwargs):
    result = subprocess.run(command, capture_output=True, text=True, timeout=limit(100), **kwargs)
    assert result.returncode == 0, (command, result.stdout, result.stderr)
    return result.stdout


def install():
    """Install into a folder with a name that has to be found out by the pkg-config file."""
    prefix = os.path.abspath("moved")
    run("cmake", "--install", BUILD, "--prefix", prefix + ".first")
    os.rename(prefix + ".first", prefix)
    return prefix


def compile_program(prefix, source, out):
    with open(out + ".c", "w") as f:
        f.write(source)
    folders = [root for root, _, files in os.walk(prefix) if "chiasm.pc" in files]
    assert len(folders) == 1
    env = {**os.environ, "PKG_CONFIG_PATH": folders[0]}
    flags = run("pkg-config", "--cflags", "--libs", "chiasm", env=env).split()
    extra = [f"-fsanitize={names}" for names in SANITIZE]
    run(CC, "-std=c11", "-Wall", "-Wextra", "-Werror", *extra, out + ".c", "-o", out, *flags, "-lm")


def test_library():
    prefix = install()
    compile_program(prefix, SOURCE, "reader")
    make_study("study")
    program = os.path.join(prefix, "bin", "chiasm")
    run(program, "fit", "study", "-o", "run", "--threads", "1")
    assert run("./reader", "run") == "language: 1 spaces, 3 sites\n"
    assert "rows/s" in run(program, "bench", "project", "--events", "9")  # what it loads is found
    compile_program(prefix, FITTING, "fitter")
    found = re.fullmatch(r"test r (\S+), standard deviation (\S+)\n", run("./fitter"))
    assert found and 0.3 < float(found[1]) < 1 and 0.001 < float(found[2]) < 0.3, found


def test_headers_stand_alone():
    """Each public header compiles by itself."""
    prefix = install()
    headers = os.listdir(os.path.join(prefix, "include", "chiasm"))
    assert {"study.h", "run.h", "encode.h", "influence.h", "status.h"} <= set(headers)
    for name in headers:
        compile_program(prefix, f"#include <chiasm/{name}>\nint main(void) {{ return 0; }}\n", "one")


def test_man_pages():
    if not os.path.isdir(os.path.join(BUILD, "man")):
        print("no help2man: no pages")
        return
    pages = os.path.join(install(), "share", "man", "man1")
    listed = run(CHIASM, "--help").split("Commands:\n")[1].split("\n\n")[0]
    commands = [line.strip().split("  ")[0].replace(" ", "-") for line in listed.splitlines()]
    assert sorted(os.listdir(pages)) == sorted(["chiasm.1"] + [f"chiasm-{c}.1" for c in commands])
    with open(os.path.join(pages, "chiasm-fit.1")) as f:
        text = f.read()
    assert "Score every encoding model" in text and "alphas" in text


run_tests(dict(globals()))
