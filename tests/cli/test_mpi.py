"""Errors under mpirun: printed once, exit code 2, no hanging."""
from program import chiasm, refused, run_tests, succeeded
from study_maker import make_study


def test_line_refused_once():
    refused(chiasm("fit", "study", "--flods", 3, ranks=3), "unknown option --flods", "--folds")
    refused(chiasm("fti", ranks=3), "unknown command")
    refused(chiasm("fit", "study", ranks=3), "-o RUN")


def test_file_refused_once():
    make_study("study", yaml="options: {flods: 3}\n")
    refused(chiasm("fit", "study", "-o", "run", ranks=3), "study.yaml: line 1: unknown key `flods`")
    refused(chiasm("fit", "study", "-o", "run", "-c", "nothing.yaml", ranks=3), "nothing.yaml")


def test_no_study():
    refused(chiasm("fit", "nothing", "-o", "run", ranks=2), "nothing")


def test_commands_of_one_process():
    make_study("study")
    for line in (("check", "study"), ("status", "run"), ("simulate", "new")):
        refused(chiasm(*line, ranks=2), f"chiasm {line[0]} is one process", "without mpirun")
    assert "encoding models" in succeeded(chiasm("check", "study", ranks=1))


def test_help_printed_once():
    text = succeeded(chiasm("fit", "--help", ranks=3))
    assert text.count("Usage: chiasm fit") == 1


run_tests(dict(globals()))
