"""chiasm without MPI: help, versions, misspelt words, stdout."""
import os
import subprocess
import tempfile

from program import CHIASM, chiasm, errors, refused, run_tests, succeeded
from study_maker import make_study

COMMANDS = {"simulate", "import brain-treebank", "import events", "import features", "import concat", "check", "fit",
            "bootstrap", "run", "sites", "status", "verify", "merge", "plan", "bench", "bench project", "bench sweep"}


def test_help_lists_commands():
    for flag in ("--help", "-h"):
        text = succeeded(chiasm(flag))
        assert text.startswith("Usage: chiasm COMMAND")
        rows = text.split("Commands:\n")[1].split("\n\n")[0].splitlines()
        assert {row.strip().split("  ")[0] for row in rows} >= COMMANDS, rows


def test_help_of_commands():
    for command in COMMANDS:
        text = succeeded(chiasm(*command.split(), "--help"))
        assert text.startswith(f"Usage: chiasm {command} [OPTION]...")
        assert "Example: " in text
        assert max(map(len, text.splitlines())) <= 80
        assert text == succeeded(chiasm(*command.split(), "--nonsense", "-h"))
    text = succeeded(chiasm("fit", "--help"))
    for option in ("alphas", "folds", "subjects", "alignments", "models", "layers", "precision", "gap",
                   "electrode-block", "threads", "resume", "overwrite", "allow-missing", "output",
                   "config", "memory-per-rank"):
        assert f"--{option}" in text
    assert "(2 to 32; default:" in text and "Folder to write. (required)" in text


def test_help_of_a_first_word():
    text = succeeded(chiasm("import", "--help"))
    assert "import events" in text and "import concat" in text and "simulate" not in text, text


def test_version():
    lines = succeeded(chiasm("--version")).splitlines()
    for start in ("chiasm 0.", "Open MPI v", "HDF5 1.", "OpenBLAS 0.", "libyaml 0.", "xxHash 0.",
                  "Random123", "OpenMP 2", "glibc 2."):
        assert any(line.startswith(start) for line in lines), start
    assert "kernel)" in "".join(lines)


def test_misspelt():
    refused(chiasm("fti"), "unknown command `fti`", "the nearest command is fit")
    refused(chiasm("--hlep"), "unknown option `--hlep`")
    refused(chiasm(), "no command", "--help")
    refused(chiasm("import"), "`import` is the first word of several commands; see chiasm import --help")
    refused(chiasm("import", "evnets"), "unknown command `import evnets`; the nearest command is import events")
    refused(chiasm("fit", "s", "--fold", "3"), "unknown option --fold; the nearest is --folds")
    refused(chiasm("fit", "s", "--resum"), "unknown option --resum; the nearest is --resume")
    refused(chiasm("fit", "s", "--flods", "3"), "unknown option --flods", "--folds")
    refused(chiasm("fit", "s", "--folds", "1"), "--folds: 1 is not between 2 and 32")
    refused(chiasm("fit", "s", "--alphas", "0.1,x"), "--alphas: `x` is no number")
    refused(chiasm("status"), "too few arguments", "chiasm status RUN")
    refused(chiasm("check", "a", "b"), "too many arguments")


def test_required():
    """Options that must be given say so, by the short form where there is one."""
    refused(chiasm("fit", "study"), "--output is required; give -o RUN")
    refused(chiasm("import", "concat", "study", "--of", "a/b,c/d"),
            "--model is required; see chiasm import concat --help")


def test_reader_has_gone():
    """`chiasm fit ... | head -1` costs what would have been read, not the run."""
    with tempfile.TemporaryDirectory() as folder:
        make_study(f"{folder}/study")
        for line in (["check", "study"], ["fit", "study", "-o", "run"], ["status", "run"], ["--help"]):
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run([CHIASM, *line], stdout=writer, stderr=writer, cwd=folder)
            os.close(writer)
            assert done.returncode == 0, (line, done)
        assert subprocess.run([CHIASM, "status", "run"], cwd=folder, stdout=subprocess.DEVNULL).returncode == 0


def test_full_stdout():
    """What could not be printed is no success."""
    with open("/dev/full", "w") as full:
        result = subprocess.run([CHIASM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert len(errors(result)) == 1 and "standard output" in result.stderr


run_tests(dict(globals()))
