/** \file gate.h
 * Places at which a test holds the program or makes it fail. In builds with CHIASM_GATES alone;
 * elsewhere a gate is nothing. All local, callable from any thread.
 *
 * CHIASM_GATE=PLACE:RANK:COUNT:FIFO stops rank RANK (`*`: any) at its COUNT-th pass of PLACE: it
 * writes "at PLACE RANK PID" into the FIFO and stands there for as long as somebody reads that. A
 * signal of chi_stop_catch is told meanwhile: "signal PLACE RANK PID". Without a reader a gate is
 * open.
 *
 * CHIASM_FAULT=PLACE:RANK:COUNT[:WHAT] is what happens there: a failure (io, if nothing is said;
 * input, memory, numeric) or a signal that the process sends itself (kill, segv, stop, term).
 *
 * Several stand in one variable with ';' between. */
#pragma once

#include "chiasm/status.h"

#ifdef CHIASM_GATES
/** Pass a place, named as printf would, a path by its last part. Names tell the stage or file and
 * the moment: "fit.unit", "fit.h5.written".
 * \return CHI_OK, or the failure that CHIASM_FAULT asks for */
chi_status chi_gate(const char *format, ...) __attribute__((format(printf, 1, 2)));
#else
#define chi_gate(...) CHI_OK
#endif
