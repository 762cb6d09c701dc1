"""Importing features, for the tests of it."""
import os

import h5py
import numpy as np

from program import chiasm, succeeded
from study_maker import make_study, responses, write_responses

N = 30  # events


def empty_study(path="study", n=N, subjects=("s1",), alignments=("language",)):
    """A study with recordings alone."""
    os.makedirs(f"{path}/responses")
    for subject in subjects:
        for alignment in alignments:
            write_responses(f"{path}/responses/{subject}.{alignment}.h5", subject, alignment,
                            responses(0, subject, alignment, n, 2, 3).astype(np.float32))
    return path


def arguments(*files, study="study", subject="s1", alignment="language", model="net",
              modality="vision", training="trained"):
    return ("import", "features", study, "--subject", subject, "--alignment", alignment, "--model",
            model, "--modality", modality, "--training", training, *files)


def imported(*files, ranks=0, path=None, **header):
    """Import, and give the layers: name -> numbers, in order of depth."""
    succeeded(chiasm(*arguments(*files, **header), ranks=ranks))
    model = header.get("model", "net")
    return layers(f"{header.get('study', 'study')}/features/{header.get('subject', 's1')}."
                  f"{header.get('alignment', 'language')}/{model}.h5")


def layers(path):
    with h5py.File(path) as file:
        found = sorted(file["layers"].items(), key=lambda item: item[1].attrs["depth"])
        assert [d.attrs["depth"] for _, d in found] == list(range(len(found)))
        assert all(d.dtype == np.float32 for _, d in found)
        return {name: d[:] for name, d in found}


def same(got, expected):
    """The layers are these, in this order, to the bit."""
    assert list(got) == list(expected), (list(got), list(expected))
    for name, x in expected.items():
        np.testing.assert_array_equal(got[name], x.reshape(len(x), -1).astype(np.float32), name)


def content(path):
    with open(path, "rb") as file:
        return file.read()
