"""Which test is for which stages."""
TESTS = []  # (function, stages, whether it goes beside the others)


def test(*stages, beside=False):
    """beside: it only waits, so the others go on meanwhile."""
    def register(function):
        TESTS.append((function, stages, beside))
        return function
    return register
