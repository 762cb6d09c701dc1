/** \file table.h
 * The bits of the commands in chi_option.commands: for the two tables, commands.c and options.c. */
#pragma once

enum {
  SIMULATE = 1 << 0,
  TREEBANK = 1 << 1,
  EVENTS = 1 << 2,
  CHECK = 1 << 3,
  FIT = 1 << 4,
  BOOTSTRAP = 1 << 5,
  RUN = 1 << 6,
  SITES = 1 << 7,
  STATUS = 1 << 8,
  VERIFY = 1 << 9,
  MERGE = 1 << 10,
  PLAN = 1 << 11,
  BENCH = 1 << 12,
  BENCH_PROJECT = 1 << 13,
  BENCH_SWEEP = 1 << 14,
  FEATURES = 1 << 15,
  CONCAT = 1 << 16,
  INFLUENCE = 1 << 17
};
