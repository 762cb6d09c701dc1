/** \file cmocka_all.h
 * What cmocka wants included before it, and what these tests share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka comes after these */
#include <cmocka.h>
#include <string.h>

#include "chiasm/status.h"

#define assert_contains(text, part)                                                     \
  do {                                                                                  \
    if (strstr(text, part) == NULL) fail_msg("`%s` does not contain `%s`", text, part); \
  } while (0)
