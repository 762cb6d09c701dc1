"""Options from files: what holds against what, and what is refused."""
import os

from program import chiasm, refused, run_tests, succeeded
from study_maker import make_study


def write(path, text):
    with open(path, "wb" if isinstance(text, bytes) else "w") as f:
        f.write(text)
    return path


def option(name, run="run"):
    """An option of a run as its config.yaml has it."""
    with open(os.path.join(run, "config.yaml")) as f:
        rows = dict(line.strip().split(": ", 1) for line in f if ": " in line)
    return rows[name].strip('"')


def fit(*args):
    return chiasm("fit", "study", "-o", "run", "--threads", 1, *args)


def test_order():
    """Command line, -c FILE, RUN/config.yaml on --resume, study.yaml, defaults."""
    make_study("study", yaml="title: T\noptions: {folds: 3, gap: 0.25, fit: {alphas: [1, 10]}}\n"
                             "contrasts: {a: {better: x, than: y}}\n")
    write("my.yaml", "options: {folds: 4}\nfit: {precision: double}\ncheck: {folds: 7}\n")
    succeeded(fit("-c", "my.yaml", "--gap", "0.5"))
    assert option("folds") == "4" and option("gap") == "0.5" and option("precision") == "double"
    assert option("alphas") == "[1, 10]" and option("subjects") == "*"
    succeeded(fit("--resume"))  # its config.yaml stands before study.yaml
    refused(fit("--resume", "--folds", 5), "folds")
    succeeded(chiasm("fit", "study", "-o", "again", "-c", "run/config.yaml"))
    assert open("again/config.yaml").read() == open("run/config.yaml").read()


def test_alphas_sorted_each_once():
    make_study("study")
    succeeded(fit("--alphas", "10,1,0.1"))
    refused(chiasm("fit", "study", "-o", "b", "--alphas", "1,10,1.0"), "--alphas: 1 is given twice")
    assert not os.path.exists("b")


def test_fit_arguments():
    make_study("study")
    refused(chiasm("fit", "study"), "-o RUN")
    refused(fit("--resume", "--overwrite"), "--resume and --overwrite exclude each other")
    assert not os.path.exists("run")


def test_files_refused():
    make_study("study", yaml="options: {flods: 3}\n")
    refused(fit(), "study/study.yaml: line 1: unknown key `flods`; the nearest is `folds`")
    refused(chiasm("check", "study"), "unknown key `flods`")
    for text, part in (("options: {folds: 1}", "folds: 1 is not between 2 and 32"),
                       ("options: {folds: 3, folds: 4}", "key `folds` a second time"),
                       ("options: {resume: true}", "`resume` cannot be set here"),
                       ("fit: {output: here}", "`output` cannot be set here"),
                       ("fit: {config: f}", "`config` cannot be set here"),
                       ("fit: {folds: 3", "no valid YAML"), ("simulat: {}", "`simulate`"),
                       (b"title: a\0b", "NUL"), ("#" * 1100000, "1048576")):
        write("study/study.yaml", text)
        refused(fit(), "study/study.yaml", part)
    assert not os.path.exists("run")


def test_config_files_refused():
    make_study("study")
    refused(fit("-c", "nothing.yaml"), "nothing.yaml: there is no such file")
    refused(fit("-c", "study"), "study: is not a regular file")
    write("my.yaml", "title: T\n")
    refused(fit("-c", "my.yaml"), "my.yaml: line 1: unknown key `title`")
    write("my.yaml", "fit: {config: other.yaml}\n")
    refused(fit("-c", "my.yaml"), "my.yaml: `config` cannot be set here")
    refused(chiasm("check", "study", "-c", "nothing.yaml"), "nothing.yaml")


def test_output_from_config_file():
    """-c FILE may say what a command line may."""
    make_study("study")
    write("my.yaml", "fit: {output: there, threads: 1}\n")
    succeeded(chiasm("fit", "study", "-c", "my.yaml"))
    assert os.path.exists("there/fit.h5")
    write("my.yaml", "fit: {output: there, threads: 1, resume: true}\n")
    succeeded(chiasm("fit", "study", "-c", "my.yaml"))


run_tests(dict(globals()))
