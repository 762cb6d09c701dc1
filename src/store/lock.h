/** \file lock.h
 * RUN/lock: exclusive while one process makes or checks a run, then shared by every rank that may
 * write it. The kernel gives it back when its holder ends, however that happens. All local. */
#pragma once

#include <stdbool.h>

#include "chiasm/status.h"

/** Take the lock for this process alone, and write into it who has it.
 * \param[in]  wait_s  how long to wait for another holder, at least a second: it may only look
 * \param[out] fd      to chi_lock_release; -1 where the file system has no locks (a warning)
 * \return CHI_ERR_USAGE naming the holder, CHI_ERR_IO, CHI_STOPPED if asked to while it waits */
chi_status chi_lock_alone(const char *run, double wait_s, int *fd);

/** Take the lock together with others. On a lock that chi_lock_alone took (*fd >= 0): share it.
 * \param[in] alone  whether this process is the one that took it alone before */
chi_status chi_lock_shared(const char *run, bool alone, int *fd);

/** Keep others from writing a run that is only read, as far as its file system can.
 * \param[out] fd  to chi_lock_release; -1 where there is nothing to lock
 * \return CHI_ERR_USAGE naming who is writing it */
chi_status chi_lock_reading(const char *run, int *fd);

/** Whether some job holds a run's lock; where a file system does not say, nobody knows. */
typedef enum chi_lock_holder { CHI_LOCK_FREE, CHI_LOCK_HELD, CHI_LOCK_UNKNOWN } chi_lock_holder;
chi_lock_holder chi_lock_look(const char *run);

/** Give it back; what chi_lock_keep keeps stays locked. */
void chi_lock_release(int *fd);

/** A job of several stages on one run keeps the lock between them, so that a job that waits for its
 * end does not come in: from here on the lock that is given back is the one chi_lock_alone takes
 * next. For the process that takes it alone.
 * \param[in] keep  false: give it back now */
void chi_lock_keep(bool keep);
