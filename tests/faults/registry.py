"""Which test is for which stages. tests/faults/CMakeLists.txt reads the same lines: one test of ctest each."""
TESTS = {}  # name: (function, whether it has a study of its own)


def test(*stages, own=False):
    """own: with a study of its own, which it changes or another user must reach."""
    def register(function):
        TESTS[function.__name__] = (function, own)
        return function
    return register
