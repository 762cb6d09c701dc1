/** \file options_sample.h
 * A program with two commands for the tests of the options. */
#ifndef CHIASM_TESTS_OPTIONS_SAMPLE_H
#define CHIASM_TESTS_OPTIONS_SAMPLE_H

#include "base/options.h"

enum { BAKE = 1, EAT = 2, FEAST = 4 };

static const chi_command commands[] = {
    {.name = "bake",
     .bit = BAKE,
     .arguments = "CAKE",
     .n_arguments = 1,
     .summary = "Bake a cake.",
     .details = "A paragraph."},
    {.name = "eat", .bit = EAT, .arguments = "CAKE", .n_arguments = 1, .summary = "Eat a cake."},
    {.name = "feast",
     .bit = FEAST,
     .parts = BAKE | EAT,
     .arguments = "CAKE",
     .n_arguments = 1,
     .summary = "Bake a cake and eat it."},
};

static const chi_option table[] = {
    {.name = "eggs",
     .letter = 'e',
     .type = CHI_OPT_INT,
     .default_text = "3",
     .min = 1,
     .max = 12,
     .commands = BAKE | FEAST,
     .stored = true,
     .help = "Eggs."},
    {.name = "heat",
     .type = CHI_OPT_REAL,
     .default_text = "180.5",
     .unit = "degrees",
     .min = 0,
     .max = 300,
     .commands = BAKE,
     .stored = true,
     .help = "Heat."},
    {.name = "layers",
     .type = CHI_OPT_REALS,
     .default_text = "0.1,1e5",
     .min = 1e-3,
     .max = 1e6,
     .commands = BAKE,
     .stored = true,
     .help = "Layers."},
    {.name = "tin",
     .type = CHI_OPT_BYTES,
     .default_text = "2K",
     .min = 0,
     .max = 1e18,
     .commands = BAKE,
     .stored = true,
     .help = "Tin."},
    {.name = "icing",
     .type = CHI_OPT_CHOICE,
     .default_text = "none",
     .choices = "none|pink|white",
     .commands = BAKE,
     .stored = true,
     .help = "Icing."},
    {.name = "name",
     .letter = 'n',
     .type = CHI_OPT_TEXT,
     .unit = "NAME",
     .commands = BAKE | EAT,
     .stored = true,
     .help = "Name."},
    {.name = "vegan",
     .letter = 'v',
     .type = CHI_OPT_FLAG,
     .commands = BAKE,
     .stored = true,
     .help = "Vegan."},
    {.name = "fast", .type = CHI_OPT_FLAG, .commands = BAKE, .help = "Fast."},
    {.name = "forks",
     .type = CHI_OPT_INT,
     .default_text = "1",
     .min = 0,
     .max = 9,
     .commands = EAT,
     .help = "Forks."},
};
enum { N_TABLE = sizeof table / sizeof *table };

static const chi_program program = {commands, 3, table, N_TABLE};

#endif
