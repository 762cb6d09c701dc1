"""Writes draws_golden.inc, what test_draws.c expects: python3 make_draws.py >draws_golden.inc"""
import sys

from draws import draw

ONE = [0] * 30
UNEQUAL = [0] * 3 + [1] * 17 + [2] * 1 + [3] * 9
INTERLEAVED = [5, 5, -2, 5, -2, -2, 5, 7, -2, 7, 5, 5, 7, -2, 7, 5, 5, 7, 7, -2, 5, 5, 5]
CASES = [  # seed, subject, alignment, sessions, length, replicate
    (0, "s1", "language", ONE, 1, 0), (0, "s1", "language", ONE, 1, 1),
    (0, "s1", "vision", ONE, 1, 0), (0, "s2", "language", ONE, 1, 0),
    (10 ** 15, "s1", "language", ONE, 1, 999999), (3, "s-1_x", "film", ONE, 4, 2),
    (3, "s1", "film", ONE, 29, 5), (3, "s1", "film", ONE, 30, 5), (3, "s1", "film", [0] * 3, 3, 1),
    (1, "s1", "film", UNEQUAL, 1, 3), (1, "s1", "film", UNEQUAL, 7, 4), (1, "s1", "film", UNEQUAL, 30, 49),
    (2, "s1", "film", INTERLEAVED, 1, 1), (2, "s1", "film", INTERLEAVED, 5, 50),
    (2, "s1", "film", INTERLEAVED, 23, 6), (2, "s1", "film", [4], 1, 0)]


def line(what, values):
    return f"     .{what} = {{{', '.join(map(str, values))}}}"


def main():
    most = max(len(case[3]) for case in CASES)
    print(f"/* Made by make_draws.py with numpy's Philox: do not edit. */\n\nenum {{ MOST = {most} }};\n"
          "static const struct golden {\n  uint64_t seed;\n  const char *subject, *alignment;\n"
          "  int64_t length, replicate, n;\n  int32_t session[MOST];\n  int64_t event[MOST];\n} golden[] = {")
    for seed, subject, alignment, session, length, replicate in CASES:
        events = draw(seed, subject, alignment, session, length, replicate)
        print(f'    {{{seed}, "{subject}", "{alignment}", {length}, {replicate}, {len(session)},')
        print(",\n".join([line("session", session), line("event", events)]) + "},")
    print("};")


if __name__ == "__main__":
    sys.exit(main())
