/** \file status.h
 * What a function of chiasm returns, and the one message that goes with a failure.
 *
 * A function that has a communicator returns the same status on every rank; one that has none is
 * local. The message of the last failure belongs to the calling thread until its next failure. */
#pragma once

/* name, exit code of a command that ends with it, meaning */
#define CHI_STATUS_TABLE(ENTRY)                                      \
  ENTRY(CHI_OK, 0, "done")                                           \
  ENTRY(CHI_STOPPED, 3, "stopped early; --resume goes on from here") \
  ENTRY(CHI_ERR_NUMERIC, 1, "a calculation has no result")           \
  ENTRY(CHI_ERR_IO, 1, "a file could not be read or written")        \
  ENTRY(CHI_ERR_MEMORY, 1, "not enough memory")                      \
  ENTRY(CHI_ERR_INPUT, 2, "bad input")                               \
  ENTRY(CHI_ERR_USAGE, 2, "bad usage")                               \
  ENTRY(CHI_ERR_BUG, 1, "a bug in chiasm")

#define CHI_STATUS_NAME(name, code, text) name,
typedef enum chi_status { CHI_STATUS_TABLE(CHI_STATUS_NAME) CHI_N_STATUS } chi_status;
#undef CHI_STATUS_NAME

/** Record the message of a failure and return its status, so that `return chi_fail(...)` reads
 * well. The message is one line, without a newline: what is wrong, in which file, object and
 * place, what was expected, what to do. Longer than CHI_MESSAGE_MAX it is cut. Local.
 * \return status, unchanged */
chi_status chi_fail(chi_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define CHI_MESSAGE_MAX 2048

/** The message of this thread's last failure, never NULL. Borrowed, until the next chi_fail.
 * Local. */
const char *chi_message(void);

/** A status with its message, kept over a cleanup that may fail as well. */
typedef struct chi_kept {
  chi_status status;
  char message[CHI_MESSAGE_MAX];
} chi_kept;

/** Keep `status`, which just came, and this thread's message. Local. */
void chi_keep(chi_kept *kept, chi_status status);

/** Of what was kept and what came `then` the first failure, with its message. Local. */
chi_status chi_keep_first(const chi_kept *kept, chi_status then);

/** The exit code of a command that ends with this status: 0, 1, 2 or 3. Local. */
int chi_exit_code(chi_status status);

/** The meaning of a status in a few words. Borrowed, static. Local. */
const char *chi_status_text(chi_status status);

/** Return from the calling function with the status of `call` if that failed. Only where nothing
 * is held that must be freed; elsewhere `goto cleanup`. */
#define CHI_TRY(call)                              \
  do {                                             \
    const chi_status try_status_ = (call);         \
    if (try_status_ != CHI_OK) return try_status_; \
  } while (0)
