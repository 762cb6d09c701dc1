"""Which test is for which stages."""
TESTS = []  # (function, stages)


def test(*stages):
    def register(function):
        TESTS.append((function, stages))
        return function
    return register
