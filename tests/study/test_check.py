"""chiasm check against studies that are wrong in one way each: exit code and the one line that says it."""
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import h5py
import numpy as np

from limits import limit
from study_maker import make_study, write_features

CHIASM = os.environ["CHIASM"]
R = "responses/s1.language.h5"
F = "features/s1.language/netA.h5"
CASES = []


def case(expected, *options, code=2, **study):
    """A test: what the decorated function does to a good study must give this text on stderr."""
    def add(edit):
        CASES.append((edit.__name__, edit, expected, list(options), code, study))
        return edit
    return add


def check(path, *options):
    return subprocess.run([CHIASM, "check", str(path), *options], capture_output=True, text=True,
                          timeout=limit(60))


def replace(path, name, data=None, **kw):
    """Put another dataset in a name's place; its attributes stay."""
    with h5py.File(path, "r+") as f:
        attrs = dict(f[name].attrs)
        old = f[name][()]
        del f[name]
        d = f.create_dataset(name, data=data(old) if callable(data) else data, **kw)
        d.attrs.update(attrs)


def root_attribute(path, name, value):
    with h5py.File(path, "r+") as f:
        del f.attrs[name]
        if value is not None:
            f.attrs[name] = value


def put(index, value):
    def change(data):
        data[index] = value
        return data
    return change


# ---- files and folders

@case("responses: there is no such file or folder")
def no_responses_folder(s): shutil.rmtree(s / "responses")

@case("features: there is no such file or folder")
def no_features_folder(s): shutil.rmtree(s / "features")

@case("responses: is empty, expected <subject>.<alignment>.h5")
def empty_responses(s): os.remove(s / R)

@case("features/s1.language: there is no such file or folder")
def no_features_of_subject(s): shutil.rmtree(s / "features/s1.language")

@case(f"{R}: is not an HDF5 file")
def text_for_hdf5(s): (s / R).write_text("event,electrode\n" * 100)

@case(f"{R}: is empty")
def empty_file(s): (s / R).write_bytes(b"")

@case(f"{F}: is not a regular file")
def pipe(s): os.remove(s / F); os.mkfifo(s / F)

@case(f"{F}: is not a regular file")
def folder_for_file(s): os.remove(s / F); os.mkdir(s / F)

@case("responses/nodots.h5: expected a name like <subject>.<alignment>.h5")
def bad_file_name(s): shutil.copy(s / R, s / "responses/nodots.h5")

@case("responses/s1.a.b.h5: expected a name like")
def two_dots(s): shutil.copy(s / R, s / "responses/s1.a.b.h5")

@case("", code=0)
def files_linked_from_elsewhere(s):
    for i, name in enumerate((R, F, "study.yaml")):
        (s / "study.yaml").touch()
        shutil.move(s / name, s.parent / f"elsewhere{i}")
        os.symlink(s.parent / f"elsewhere{i}", s / name)

@case("features: is a link that leads out of the study's folder")
def folder_link_out(s):
    shutil.move(s / "features", s.parent / "elsewhere")
    os.symlink(s.parent / "elsewhere", s / "features")

@case(f"{R}: there is no such file")
def dangling_link(s): os.remove(s / R); os.symlink("nowhere", s / R)

@case("", code=0)
def link_inside(s):
    shutil.move(s / R, s / "data.h5")
    os.symlink("../data.h5", s / R)

@case("study.yaml: line 2: ")
def broken_yaml(s): (s / "study.yaml").write_text("title: [1, 2\n")

@case("study.yaml: is not a regular file")
def yaml_pipe(s): os.mkfifo(s / "study.yaml")

@case("NUL byte")
def yaml_nul(s): (s / "study.yaml").write_bytes(b"title: a\0b\n")

@case("warning: features/s9.language: ignored, there is no responses/s9.language.h5", code=0)
def stray_features(s): shutil.copytree(s / "features/s1.language", s / "features/s9.language")

@case("warning: responses/notes.txt: ignored, it is no .h5 file", code=0)
def stray_file(s): (s / "responses/notes.txt").write_text("hello")

# ---- response files

@case(f"{R}: /response has 2 dimensions, expected 3 (event, electrode, time)")
def response_rank(s): replace(s / R, "response", lambda y: y[:, :, 0])

@case(f"{R}: /response has 5 dimensions, expected 3")
def response_rank_5(s): replace(s / R, "response", lambda y: y[:, :, :, None, None])

@case(f"{R}: /response holds about 9007199254740992 at row 3, column 2 (counted from 0): integers of 2^53 and more")
def response_long_integers(s): replace(s / R, "response", lambda y: put((3, 0, 2), 2**53 + 1)(y.astype(np.int64)))

@case(f"{R}: /response is int16 with an attribute scale_factor, so that its integers stand for other numbers")
def response_packed(s):
    replace(s / R, "response", lambda y: y.astype(np.int16))
    with h5py.File(s / R, "r+") as f: f["response"].attrs["scale_factor"] = 0.1

@case(f"{R}: /response is enum, expected float16")
def response_enum(s):
    replace(s / R, "response", lambda y: (y > 0).astype("i1"), dtype=h5py.enum_dtype({"RIGHT": 0, "WRONG": 1}, "i1"))

@case(f"{R}: /response is missing, expected a dataset")
def response_missing(s):
    with h5py.File(s / R, "r+") as f: del f["response"]

@case(f"{R}: /response is a group, expected a dataset")
def response_group(s):
    with h5py.File(s / R, "r+") as f:
        del f["response"]
        f.create_group("response")

@case(f"{R}: /response has no events")
def no_events(s): replace(s / R, "response", lambda y: y[:0])

@case(f"{R}: /response has no electrodes")
def no_electrodes(s): replace(s / R, "response", lambda y: y[:, :0])

@case(f"{R}: /response has no time bins")
def no_bins(s): replace(s / R, "response", lambda y: y[:, :, :0])

@case(f"{R}: /response is reference, expected float16")
def response_references(s):
    with h5py.File(s / R, "r+") as f:
        del f["response"]
        f.create_dataset("response", (60, 3, 4), dtype=h5py.ref_dtype)[:] = f["time"].ref

@case(f"{R}: /response was never written")
def response_unwritten(s):
    with h5py.File(s / R, "r+") as f:
        del f["response"]
        f.create_dataset("response", (60, 3, 4), dtype="f4")

@case(f"{R}: /response was never written in full: 1 of 6 chunks are")
def response_half_written(s):
    with h5py.File(s / R, "r+") as f:
        del f["response"]
        f.create_dataset("response", (60, 3, 4), dtype="f4", chunks=(10, 3, 4))[:10] = 1

@case(f"{R}: /response claims more elements than any machine holds")
def response_absurd(s):
    with h5py.File(s / R, "r+") as f:
        del f["response"]
        f.create_dataset("response", (2**30, 2**20, 2**11), dtype="f4", chunks=(1, 1, 64))

@case(f"{R}: /response was never written")
def response_huge(s):
    with h5py.File(s / R, "r+") as f:
        del f["response"]
        f.create_dataset("response", (2**28, 2**15, 2**10), dtype="f4", chunks=(1, 1, 64))

@case(f"{R}: /response is a virtual dataset")
def response_virtual(s):
    with h5py.File(s / R, "r+") as f:
        f.move("response", "real")
        layout = h5py.VirtualLayout((60, 3, 4), "f4")
        layout[:] = h5py.VirtualSource(f["real"])
        f.create_virtual_dataset("response", layout)

@case(f"{R}: /response keeps its numbers in external files")
def response_external_storage(s):
    with h5py.File(s / R, "r+") as f:
        y = f["response"][()]
        del f["response"]
        f.create_dataset("response", y.shape, "f4",
                         external=[(str(s / "raw.bin"), 0, y.nbytes)])[:] = y

@case(f"{R}: /response is an external link, which chiasm does not follow")
def response_external_link(s):
    shutil.copy(s / R, s / "copy.h5")
    with h5py.File(s / R, "r+") as f:
        del f["response"]
        f["response"] = h5py.ExternalLink("../copy.h5", "/response")

@case(f"{R}: /response is a soft link")
def response_soft_link(s):
    with h5py.File(s / R, "r+") as f:
        f.move("response", "real")
        f["response"] = h5py.SoftLink("/real")

@case(f"{R}: /response is packed by a plugin filter (number 32000, lzf)")
def response_plugin(s): replace(s / R, "response", lambda y: y, chunks=(60, 3, 4), compression="lzf")

@case(f"{R}: /electrode is missing, expected a dataset")
def electrode_missing(s):
    with h5py.File(s / R, "r+") as f: del f["electrode"]

@case(f"{R}: /electrode is float64, expected strings")
def electrode_numbers(s): replace(s / R, "electrode", [1.0, 2.0, 3.0])

@case(f"{R}: /electrode has 2 elements, but /response has 3 electrodes")
def electrode_count(s): replace(s / R, "electrode", ["a", "b"])

@case(f'{R}: /electrode holds "a" twice, expected unique names')
def electrode_twice(s): replace(s / R, "electrode", ["a", "b", "a"])

@case(f'{R}: /electrode[1] "" is empty')
def electrode_empty(s): replace(s / R, "electrode", ["a", "", "c"])

@case(f'{R}: /electrode[2] "../../etc/passwd" reads like a path')
def electrode_path(s): replace(s / R, "electrode", ["a", "b", "../../etc/passwd"])

@case(f'{R}: /electrode[0] ".." reads like a path')
def electrode_dots(s): replace(s / R, "electrode", ["..", "b", "c"])

@case(f'{R}: /electrode[0] "a?[31m" is over')
def electrode_control(s): replace(s / R, "electrode", ["a\x1b[31m", "b", "c"])

@case('/electrode[0] "??" is over 200 bytes, no UTF-8 or has control characters')
def electrode_no_utf8(s): replace(s / R, "electrode", np.array([b"\xff\xfe", b"b", b"c"]))

@case("is over 200 bytes, no UTF-8 or has control characters")
def electrode_long(s): replace(s / R, "electrode", ["a" * 300, "b", "c"])

@case(f"{R}: /region has 2 elements, but /response has 3 electrodes")
def region_count(s):
    with h5py.File(s / R, "r+") as f: f["region"] = ["a", "b"]

@case(f"{R}: /x has 2 elements, but /response has 3 electrodes")
def x_count(s):
    with h5py.File(s / R, "r+") as f: f["x"] = np.zeros(2, "f4")

@case(f"{R}: /onset is missing, expected a dataset")
def onset_missing(s):
    with h5py.File(s / R, "r+") as f: del f["onset"]

@case(f"{R}: /onset[7] is NaN, expected finite seconds")
def onset_nan(s): replace(s / R, "onset", put(7, np.nan))

@case(f"{R}: /onset[8] is infinite, expected finite seconds")
def onset_inf(s): replace(s / R, "onset", put(8, -np.inf))

@case(f"{R}: /onset has 59 elements, but /response has 60 events")
def onset_count(s): replace(s / R, "onset", lambda t: t[:59])

@case(f"{R}: /onset has 2 dimensions, expected 1")
def onset_rank(s): replace(s / R, "onset", lambda t: t[:, None])

@case(f"{R}: /onset is string, expected float64")
def onset_text(s): replace(s / R, "onset", ["x"] * 60)

@case("warning: responses/s1.language.h5: onsets are out of order: 1 events begin before the one "
      "before them in their session, first event 20 (0 s after 19 s)", code=0)
def onset_order(s): replace(s / R, "onset", put(20, 0))

@case(f"{R}: /session is float64, expected int32")
def session_float(s):
    with h5py.File(s / R, "r+") as f: f["session"] = np.zeros(60)

@case(f"{R}: /session[0] is 5000000000, expected an int32")
def session_wide(s):
    with h5py.File(s / R, "r+") as f: f["session"] = np.full(60, 5_000_000_000)

@case(f"{R}: /session has 3 elements, but /response has 60 events")
def session_count(s):
    with h5py.File(s / R, "r+") as f: f["session"] = np.zeros(3, "i4")

@case(f"{R}: /time[1] is NaN, expected finite seconds")
def time_nan(s): replace(s / R, "time", put(1, np.nan))

@case(f"{R}: /time[2] is ")
def time_order(s): replace(s / R, "time", lambda t: t[[0, 1, 1, 3]])

@case(f"{R}: /time has 3 elements, but /response has 4 time bins")
def time_count(s): replace(s / R, "time", lambda t: t[:3])

@case(f"{R}: attribute bin_width_s of /time is -1, expected seconds above 0")
def bin_width(s):
    with h5py.File(s / R, "r+") as f: f["time"].attrs["bin_width_s"] = -1.0

@case(f"{R}: attribute chiasm_format of / is 2, this chiasm reads format 1")
def format_2(s): root_attribute(s / R, "chiasm_format", 2)

@case(f"{R}: attribute chiasm_format of / is missing, expected 1")
def format_missing(s): root_attribute(s / R, "chiasm_format", None)

@case(f"{R}: attribute chiasm_format of / is not a number")
def format_text(s): root_attribute(s / R, "chiasm_format", "1")

@case(f"{R}: attribute chiasm_format of / has 2 values, expected one")
def format_two_values(s): root_attribute(s / R, "chiasm_format", [1, 1])

@case(f'{R}: attribute subject of / is "s2", but the file\'s name says s1')
def subject_differs(s): root_attribute(s / R, "subject", "s2")

@case(f'{R}: attribute alignment of / is missing, expected "language"')
def alignment_missing(s): root_attribute(s / R, "alignment", None)

@case(f"{R}: attribute subject of / is not text")
def subject_number(s): root_attribute(s / R, "subject", 1)

@case("responses/s2.language.h5: /time has 3 bins, but responses/s1.language.h5 has 4",
      subjects=("s1", "s2"))
def time_bins_differ(s):
    replace(s / "responses/s2.language.h5", "response", lambda y: y[:, :, :3])
    replace(s / "responses/s2.language.h5", "time", lambda t: t[:3])

@case("responses/s2.language.h5: /time[0] is -0.0999 s, but responses/s1.language.h5 has -0.1 s",
      subjects=("s1", "s2"))
def time_axes_differ(s): replace(s / "responses/s2.language.h5", "time", lambda t: t + 1e-4)

@case("attribute bin_width_s of /time is 0.1, but responses/s1.language.h5 has 0.2",
      subjects=("s1", "s2"))
def bin_widths_differ(s):
    with h5py.File(s / "responses/s2.language.h5", "r+") as f: f["time"].attrs["bin_width_s"] = 0.1

# ---- feature files

@case(f"{F}: /layers is missing, expected a group")
def layers_missing(s):
    with h5py.File(s / F, "r+") as f: del f["layers"]

@case(f"{F}: /layers is empty, expected at least one layer")
def layers_empty(s):
    with h5py.File(s / F, "r+") as f: del f["layers/layer1"]

@case(f"{F}: /layers is an external link")
def layers_external(s):
    shutil.move(s / F, s / "real.h5")
    with h5py.File(s / F, "w") as f:
        f.attrs.update(chiasm_format=1, model="netA", modality="vision", training="trained")
        f["layers"] = h5py.ExternalLink(str(s / "real.h5"), "/layers")

@case(f"{F}: /layers/layer1 is an external link")
def layer_external(s):
    shutil.copy(s / F, s / "copy.h5")
    with h5py.File(s / F, "r+") as f:
        del f["layers/layer1"]
        f["layers/layer1"] = h5py.ExternalLink("../../copy.h5", "/layers/layer1")

@case(f"{F}: /layers/layer1 is a virtual dataset")
def layer_virtual(s):
    with h5py.File(s / F, "r+") as f:
        f.move("layers/layer1", "real")
        layout = h5py.VirtualLayout((60, 10), "f4")
        layout[:] = h5py.VirtualSource("/etc/hostname", "x", (60, 10))
        f.create_virtual_dataset("layers/layer1", layout)

@case(f"{F}: /layers/layer1 has 59 events, but the responses have 60; expected one row per event")
def layer_events(s): replace(s / F, "layers/layer1", lambda x: x[:59])

@case(f"{F}: /layers/layer1 has 1 dimensions, expected 2 (event, feature); labels of the events stand outside /layers")
def layer_rank(s): replace(s / F, "layers/layer1", lambda x: x[:, 0])

@case(f"{F}: /layers/layer1 is compound, expected float16, float32, float64, integers or truth values")
def layer_complex(s): replace(s / F, "layers/layer1", lambda x: x.astype("c8"))

@case(f"{F}: /layers/layer1 is int64 with an attribute _FillValue")
def layer_with_code(s):
    replace(s / F, "layers/layer1", lambda x: x.astype(int))
    with h5py.File(s / F, "r+") as f: f["layers/layer1"].attrs["_FillValue"] = -1

@case(f"{F}: /layers/layer1 has 0 features")
def layer_empty(s): replace(s / F, "layers/layer1", lambda x: x[:, :0])

@case(f"{F}: /layers/sub is a group, expected a dataset")
def layer_group(s):
    with h5py.File(s / F, "r+") as f: f.create_group("layers/sub")

@case(f'{F}: the layer "a b" has another name than [A-Za-z0-9_.-]+')
def layer_name(s):
    with h5py.File(s / F, "r+") as f: f.move("layers/layer1", "layers/a b")

@case(f"{F}: attribute depth of /layers/layer1 is 0.5, expected an int32")
def layer_depth(s):
    with h5py.File(s / F, "r+") as f: f["layers/layer1"].attrs["depth"] = 0.5

@case(f"{F}: /layers/b has no attribute depth, but others have", models={"netA": {"a": 3, "b": 3}})
def depth_missing(s):
    with h5py.File(s / F, "r+") as f: del f["layers/b"].attrs["depth"]

@case(f'{F}: attribute training of / is "finetuned", expected trained or random')
def training(s): root_attribute(s / F, "training", "finetuned")

@case(f"{F}: attribute training of / is missing, expected trained or random")
def training_missing(s): root_attribute(s / F, "training", None)

@case(f"{F}: attribute modality of / is missing, expected vision")
def modality_missing(s): root_attribute(s / F, "modality", None)

@case(f'{F}: attribute network of / "" is empty')
def network_empty(s): root_attribute(s / F, "network", "")

@case(f'{F}: attribute model of / is "netB", but the file\'s name says netA')
def model_differs(s): root_attribute(s / F, "model", "netB")

@case(f"{F}: attribute chiasm_format of / is 9")
def feature_format(s): root_attribute(s / F, "chiasm_format", 9)

@case('features/s2.language/netA.h5: attribute modality of / is "language", but '
      'features/s1.language/netA.h5 says "vision"', subjects=("s1", "s2"))
def modality_differs(s): root_attribute(s / "features/s2.language/netA.h5", "modality", "language")

@case("features/s2.language/netA.h5: attribute depth of /layers/layer1 is 3, but "
      "features/s1.language/netA.h5 has 0", subjects=("s1", "s2"))
def depth_differs(s):
    with h5py.File(s / "features/s2.language/netA.h5", "r+") as f:
        f["layers/layer1"].attrs["depth"] = 3

TWO = dict(subjects=("s1", "s2"), models={"netA": {"a": 3, "b": 3}, "netB": {"c": 2}})

@case("features/s2.language/netB.h5: the model is missing, but other subjects have it", **TWO)
def model_missing(s): os.remove(s / "features/s2.language/netB.h5")

@case("features/s2.language/netA.h5: /layers/b is missing, but other subjects have it", **TWO)
def layer_missing(s):
    with h5py.File(s / "features/s2.language/netA.h5", "r+") as f: del f["layers/b"]

@case("", "--allow-missing", code=0, **TWO)
def missing_allowed(s):
    os.remove(s / "features/s2.language/netB.h5")
    with h5py.File(s / "features/s2.language/netA.h5", "r+") as f: del f["layers/b"]

@case("alignment language: there is no feature space to fit")
def no_models(s): os.remove(s / F)

# ---- selections

@case("--subjects nobody fits none of what the study has: s1, s2", "--subjects", "nobody",
      subjects=("s1", "s2"))
def unknown_subject(s): pass

@case("--subjects s9 fits none of what the study has: s1, s2", "--subjects", "s1,s9",
      subjects=("s1", "s2"))
def one_unknown_subject(s): pass

@case("--alignments vision fits none of what the study has: language", "--alignments", "vision")
def unknown_alignment(s): pass

@case("--models slip* fits none of what the study has: netA", "--models", "slip*")
def unknown_model(s): pass

@case("--layers conv* fits none of what the study has: layer1", "--layers", "conv*")
def unknown_layer(s): pass

@case("no recording fits both --subjects s2 and --alignments language", "--subjects", "s2",
      "--alignments", "language", subjects=("s1", "s2"), alignments=("language", "vision"))
def empty_selection(s): os.remove(s / "responses/s2.language.h5")

@case("", "--layers", "a", code=0, models={"netA": {"a": 3, "b": 3}})
def unselected_layer_is_wrong(s): replace(s / F, "layers/b", lambda x: x[:5])

@case("", "--subjects", "s1", code=0, subjects=("s1", "s2"))
def unselected_subject_is_wrong(s): (s / "responses/s2.language.h5").write_text("no")

@case(f"{R}: has 60 events, but --folds 20 needs at least 80", "--folds", "20")
def few_events(s): pass

# ---- the numbers

@case(f"{F}: /layers/layer1: NaN or Inf at row 5, column 3 (counted from 0)", code=0)
def feature_nan(s): replace(s / F, "layers/layer1", put((5, 3), np.nan))

@case(f"{R}: electrode E001 holds 2 NaN or Inf", code=0)
def response_nan(s): replace(s / R, "response", put((slice(4, 6), 1, 2), np.inf))

@case(f"{R}: electrode E002 is constant", code=0)
def constant_electrode(s): replace(s / R, "response", put((slice(None), 2), 3.5))

@case(f"{R}: electrode E002 is constant in 1 of 4 time bins", code=0)
def constant_bin(s): replace(s / R, "response", put((slice(None), 2, 0), 3.5))

@case(f"{R}: electrode E001 does not change within half a fold in 2 of 4 time bins, whose scores will be NaN: the bin "
      "at -0.075 s is constant in the test half of fold 2, events 18 to 23 (counted from 0) and in 1 more halves of "
      "folds; fewer --folds have longer halves", code=0)
def flat_half(s):
    replace(s / R, "response", put((slice(18, 24), 1, slice(1, 3)), 3.5))
    replace(s / R, "response", put((slice(48, 54), 1, 1), 0))

@case(f"{R}: electrode E000 does not change within half a fold in 4 of 4 time bins", code=0)
def sparse_counts(s): replace(s / R, "response", lambda y: (np.arange(y.size).reshape(y.shape) % 500 == 0) * np.ones(
    (60, 3, 4), "f4") + np.eye(60)[:, :1, None])

@case(f"{R}: 25 more electrodes do not change within half a fold in some time bins: E005, E006, E007, E008, E009, E010, "
      "E011, E012, E013, E014, E015, E016, E017, E018, E019, E020, E021, E022, E023, E024, ...\n", code=0, electrodes=30)
def many_flat_halves(s): replace(s / R, "response", put((slice(18, 24), slice(None), 1), 3.5))

@case(f"{R}: event 7 (counted from 0; onset 7 s) is over 1000 spreads away from the others: electrode E001 is 1e+06 in "
      "the bin at -0.05 s; the electrodes that are so: 2 (E001, E002). An artefact", code=0)
def far_out(s):
    replace(s / R, "response", put((7, 1, 2), 1e6))
    replace(s / R, "response", put((7, 2), -1e9))

@case(f"{R}: event 0 (counted from 0; onset 0 s) is over 1000 spreads", code=0)
def first_far_out(s): replace(s / R, "response", lambda y: put((0, 0), -999)(1e-6 * y))

@case(f"{F}: /layers/layer1 is the same for every event (0 in its first column); a constant predicts nothing", code=0)
def layer_of_zeros(s): replace(s / F, "layers/layer1", np.zeros_like)

@case(f"{F}: /layers/layer1: 1 of 10 features have an event over 1000 spreads away from the others, furthest column 3, "
      "which is -1e+09 at row 7 (counted from 0)", code=0)
def feature_far_out(s):
    with h5py.File(s / F, "r+") as f: f["layers/layer1"][7, 3] = -1e9

@case(f"{F}: /layers/layer1 is the same for every event", code=0)
def constant_layer(s): replace(s / F, "layers/layer1", lambda x: 0 * x + x[:1])

@case(f"{R}: 30 of 60 events have the session and onset of another one, the first at 0 s (events 0 and 1, counted from "
      "0)", code=0, onset=np.repeat(np.arange(30), 2))
def events_twice(s): pass

@case("", code=0, onset=np.repeat(np.arange(30), 2), session=np.tile([0, 1], 30))
def same_onsets_of_two_sessions(s): pass

@case("", code=0, onset=np.repeat(np.arange(30), 2))
def sessions_with_names(s):
    with h5py.File(s / R, "r+") as f: f["session"] = ["ses-01", "ses-02"] * 30

@case(f"{R}: electrodes E000 and E002 hold the same numbers", code=0)
def duplicate_electrodes(s):
    replace(s / R, "response", lambda y: y[:, [0, 1, 0]])

@case("features/s1.language: netA/a and netB/b hold the same numbers", code=0,
      models={"netA": {"a": 4}, "netB": {"b": 4}})
def duplicate_layers(s):
    with h5py.File(s / F) as f: x = f["layers/a"][()].astype(np.float64)
    write_features(s / "features/s1.language/netB.h5", "netB", {"b": x}, modality="vision",
                   training="trained")

@case("the windows (0.275 s) of 8 of 60 events overlap with events of another fold; fit --gap 0.275",
      code=0, onset=0.25 * np.arange(60))
def overlapping_windows(s): pass

@case("responses/s2.language.h5: the windows (0.275 s) of 16 of 60 events overlap with events of another fold, and so "
      "do fewer in 1 more recordings; fit --gap 0.275", code=0, onset=0.25 * np.arange(60), subjects=("s1", "s2"))
def overlapping_windows_of_two(s): replace(s / "responses/s2.language.h5", "onset", 0.13 * np.arange(60))

@case("", code=0, onset=0.25 * np.arange(60), session=np.repeat(np.arange(5), 12))
def sessions_part_folds(s): pass

@case('trained models without a random twin (a model of the same network, of training "random"): 1 (language.netA)',
      code=0)
def no_twin(s): pass

@case(f"{R}: /response: HDF5 cannot read rows", storage=dict(chunks=(60, 3, 4), compression="gzip"))
def damaged_chunk(s):
    with h5py.File(s / R) as f:
        info = f["response"].id.get_chunk_info(0)
    with open(s / R, "r+b") as f:
        f.seek(info.byte_offset + 20)
        f.write(b"\xff" * (info.size - 40))


def pack(path, name, at, change, chunks, **storage):
    """Put a chunk into a dataset whose zlib stream is valid but unpacks to other bytes than its own."""
    replace(path, name, lambda data: data, chunks=chunks, compression="gzip", **storage)
    with h5py.File(path, "r+") as f:
        d = f[name]
        box = tuple(slice(a, a + c) for a, c in zip(at, chunks))
        d.id.write_direct_chunk(at, zlib.compress(change(d[box].tobytes())), 0)


def quarter(data): return data[:len(data) // 4]


@case(f"{R}: /response: HDF5 cannot read rows 0 to 59, the file may be damaged (chunk (30, 0, 0) unpacks to 360 bytes, "
      "expected 1440)")
def short_chunk(s): pack(s / R, "response", (30, 0, 0), quarter, (30, 3, 4))

@case("(chunk (30, 0) unpacks to ")
def short_chunk_of_layer(s):
    name = "layers/" + sorted(h5py.File(s / F)["layers"])[0]
    pack(s / F, name, (30, 0), quarter, (30, 1), shuffle=True)

@case("(chunk (0, 0, 0) unpacks to at least 1441 bytes, expected 1440)")
def long_chunk(s): pack(s / R, "response", (0, 0, 0), lambda data: data + b"\0", (30, 3, 4))

@case(f"{R}: /onset: HDF5 cannot read it (chunk (0) unpacks to 120 bytes, expected 480)")
def short_chunk_of_onsets(s): pack(s / R, "onset", (0,), quarter, (60,))

@case(f"{R}: /response is packed by n-bit, which chiasm does not read; write it with gzip")
def nbit(s):
    with h5py.File(s / R, "r+") as f:
        attrs, y = dict(f["response"].attrs), f["response"][()]
        del f["response"]
        p = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        p.set_chunk(y.shape)
        p.set_filter(5)
        d = h5py.h5d.create(f.id, b"response", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(y.shape), p)
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, y.astype("f4"))
        h5py.Dataset(d).attrs.update(attrs)


def run_case(folder, name, edit, expected, options, code, study):
    s = Path(folder) / name / "study"
    make_study(s, **study)
    edit(s)
    done = check(s, *options)
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr}"
    assert expected in done.stderr, done.stderr
    if code == 2:
        assert "chiasm: error: " in done.stderr, done.stderr
    if not expected:
        assert "overlap" not in done.stderr and "error" not in done.stderr, done.stderr
    for line in done.stderr.splitlines():
        assert line.startswith("chiasm: ") and line.isprintable(), repr(line)


def all_at_once(folder):
    """Several problems of several files come out of one run, errors before the table."""
    s = Path(folder) / "all"
    make_study(s, subjects=("s1", "s2", "s3"))
    replace(s / R, "onset", put(3, np.nan))
    replace(s / R, "electrode", ["a", "a", "c"])
    root_attribute(s / "responses/s2.language.h5", "subject", "nobody")
    root_attribute(s / "features/s3.language/netA.h5", "training", "no")
    done = check(s)
    assert done.returncode == 2
    for text in ("/onset[3] is NaN", '"a" twice', '"nobody"', '"no", expected trained'):
        assert text in done.stderr, done.stderr
    assert done.stderr.count("chiasm: error:") == 4, done.stderr
    assert "s3" in done.stdout, done.stdout


def text_of_files(folder):
    """Text from files forges no line, moves no cursor and turns no direction; scripts get a list of their own."""
    s = Path(make_study(os.path.join(folder, "text"), models={"netB": {"l": 4}, "netA": {"l": 4}}, random_twins=True))
    (s / "study.yaml").write_text(
        'title: "A\\u202Estudy\\nalignment  model  modality\\nlanguage   forged\\u009B2J\\e[2J"\n', "utf-8")
    replace(s / R, "electrode", ["a\u202eb", "a\u202eb", "c"])
    done = check(s)
    assert done.returncode == 2 and '"a???b" twice' in done.stderr, done.stderr
    replace(s / R, "electrode", ["a", "b", "c"])
    root_attribute(s / F, "modality", "a\u202eb\u2028c")
    done = check(s)
    assert done.returncode == 0 and "(A???study alignment  model" in done.stdout, done.stdout
    assert "a???b???c" in done.stdout, done.stdout
    assert all(line.isprintable() and not line.startswith("language   forged")
               for line in done.stdout.splitlines()), done.stdout
    done = check(s, "--list", "models")
    twins = ("netA", "netA-random", "netB", "netB-random")
    assert done.returncode == 0 and sorted(done.stdout.split("\n")) == ["", *twins], done.stdout
    done = check(s, "--list", "models", "--models", "*B")
    assert done.returncode == 0 and done.stdout == "netB\n", done.stdout


def every_form(folder):
    """What plain h5py can write is read alike, whatever its width, packing and kind of string."""
    forms = {
        "f2": dict(dtype="<f2"), "f4": dict(dtype="<f4"), "f8": dict(dtype="<f8"),
        "be": dict(dtype=">f4"), "be2": dict(dtype=">f2"),
        "bool": dict(dtype=bool), "i1": dict(dtype="i1"), "u8": dict(dtype=">u8", feature_dtype="i2", edit_y=lambda s, a, y: abs(y)),
        "gzip": dict(dtype="<f4", storage=dict(chunks=(7, 2, 3), compression="gzip", shuffle=True),
                     feature_storage=dict(chunks=(60, 1), compression=9, fletcher32=True)),
        "scale": dict(dtype="<f4", storage=dict(chunks=(60, 3, 4), scaleoffset=6)),
    }
    for name, form in forms.items():
        s = make_study(os.path.join(folder, "form-" + name), **form)
        done = check(s)
        assert done.returncode == 0, (name, done.stderr)
        assert "encoding models  12\n" in done.stdout, done.stdout
    s = make_study(os.path.join(folder, "form-strings"), random_twins=True, n=120)
    path = os.path.join(s, R)
    for strings in (np.array([b"a", b"bb", b"c"]), np.array(["é", "ü", "z"], dtype=object)):
        replace(path, "electrode", strings)
        done = check(s)
        assert done.returncode == 0 and done.stderr == "", done.stderr
    with h5py.File(path, "r+") as f:  # as h5netcdf and netCDF-4 write attributes
        f.attrs["chiasm_format"] = np.array([1], "i4")
        f.attrs["subject"] = np.array(["s1"], dtype=object)
        f.attrs["alignment"] = np.bytes_("language")
        f.attrs["exchangeable"] = True
    done = check(s)
    assert done.returncode == 0 and done.stderr == "", done.stderr


def written_by_xarray(folder):
    """netCDF-4 keeps dimensions as datasets beside the layers; they are none."""
    import xarray
    s = make_study(os.path.join(folder, "xarray"), random_twins=True, n=120)
    with h5py.File(os.path.join(s, R)) as f, h5py.File(os.path.join(s, F)) as g:
        recording = xarray.Dataset(
            {"response": (("event", "electrode", "time"), f["response"][()], {"units": "uV"}),
             "onset": ("event", f["onset"][()], {"units": "s"})},
            {"electrode": ["A1", "A2", "A3"], "time": ("time", f["time"][()], {"bin_width_s": 0.2})},
            dict(f.attrs))
        model = xarray.Dataset(attrs=dict(g.attrs))
        layers = xarray.Dataset({"layer1": (("event", "feature"), g["layers/layer1"][()], {"depth": 0})})
    recording.to_netcdf(os.path.join(s, R), engine="h5netcdf")
    model.to_netcdf(os.path.join(s, F), engine="h5netcdf")
    layers.to_netcdf(os.path.join(s, F), "a", group="layers", engine="h5netcdf")
    done = check(s)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "encoding models  24\n" in done.stdout, done.stdout


def not_studies(folder):
    for path, text in ((os.path.join(folder, "nowhere"), "there is no such folder"),
                       (__file__, "is no folder")):
        done = check(path)
        assert done.returncode == 2 and text in done.stderr, done.stderr


def unreadable(folder):
    """Where the rights can be taken away: not as root."""
    if os.geteuid() == 0:
        return
    s = make_study(os.path.join(folder, "unreadable"))
    os.chmod(os.path.join(s, R), 0)
    done = check(s)
    os.chmod(os.path.join(s, R), stat.S_IRUSR | stat.S_IWUSR)
    assert done.returncode == 2 and "cannot be read: Permission denied" in done.stderr, done.stderr


def locked(folder):
    """A file that another program writes is told from a damaged one."""
    s = make_study(os.path.join(folder, "locked"))
    with h5py.File(os.path.join(s, R), "a"):
        done = check(s)
    assert done.returncode == 2 and "another program has it open" in done.stderr, done.stderr
    assert R in done.stderr and "damaged" not in done.stderr, done.stderr
    assert check(s).returncode == 0


def truncated(folder):
    """Cut anywhere, a file is refused."""
    s = make_study(os.path.join(folder, "cut"), storage=dict(chunks=(10, 3, 4), compression="gzip"))
    for name in (R, F):
        path = os.path.join(s, name)
        whole = open(path, "rb").read()
        for i in range(10):
            with open(path, "wb") as f:
                f.write(whole[:len(whole) * (i + 1) // 11])
            done = check(s)
            assert done.returncode == 2 and name in done.stderr, (name, i, done.stderr)
        with open(path, "wb") as f:
            f.write(whole)


def main():
    tests = [(name, lambda c=c: run_case(folder, *c)) for c in CASES for name in [c[0]]]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        tests += [(t.__name__, lambda t=t: t(folder))
                  for t in (all_at_once, text_of_files, every_form, written_by_xarray, not_studies, unreadable, locked, truncated)]
        for name, test in tests:
            if len(sys.argv) > 1 and name not in sys.argv[1:]:
                continue
            try:
                test()
            except Exception as error:  # all of them in one go
                failed += 1
                print(f"FAILED {name}: {type(error).__name__} {error}")
    print(f"{len(tests) - failed} of {len(tests)} passed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
