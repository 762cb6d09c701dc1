/** \file machine.h
 * What a machine can do, as far as it bears on the time of a sweep: measured once (calibrate.h) and
 * kept in a text file; and how long a fit takes on it. Local. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/influence.h"

/** The ways of a fit, and of an influence pass, that differ in speed. */
typedef enum chi_way {
  CHI_WAY_PRIMAL,
  CHI_WAY_DUAL,
  CHI_WAY_PRIMAL_BANDED,
  CHI_WAY_DUAL_BANDED,
  CHI_WAY_SVD,
  CHI_WAY_INFLUENCE_PRIMAL,
  CHI_WAY_INFLUENCE_DUAL,
  CHI_WAY_INFLUENCE_SVD,
  CHI_N_WAYS
} chi_way;
chi_way chi_way_of(const chi_encode_plan *plan, bool influence);

/** Flops per second, as chi_encode_plan counts them, of one shape of fit on one thread, with the
 * other cores idle: of the part that targets share, and of that which each adds. */
typedef struct chi_machine_point {
  double way, events, features; /* way: a chi_way */
  double shared, target;
} chi_machine_point;
enum { CHI_POINT_NUMBERS = 5, CHI_MACHINE_POINTS = 60, CHI_MACHINE_TEXT = 80 };

typedef struct chi_machine {
  char host[CHI_MACHINE_TEXT], cpu[CHI_MACHINE_TEXT];
  char kernel[CHI_MACHINE_TEXT], date[CHI_MACHINE_TEXT];
  int64_t cores;
  double start_s; /* of the program with MPI, from nothing to the stage's first line */
  double job_s;   /* beside that, where mpirun starts several processes, which then share files */
  double fit_s;   /* of a fit, beside that, before and after its units */
  double influence_s; /* of an influence pass */
  double bootstrap_s; /* of a bootstrap */
  double sites_s;     /* of the comparisons */
  double layer_s;     /* of the catalog, for every layer, on rank 0 */
  double unit_s;      /* of a unit, beside its fit */
  double message_s;   /* of the coordinator, for a rank's report and its answer */
  double replicate; /* time of a bootstrap replicate over that of a plain fit of 0.63 the events */
  double busy;      /* time of a fit with all cores busy alike, over that alone */
  double summary_s; /* of a replicate's score in the summary */
  double serial;    /* share of a fit that threads do not share (Amdahl) */
  double read_bandwidth, write_bandwidth; /* bytes per second, one process */
  int32_t n_points;
  chi_machine_point point[CHI_MACHINE_POINTS];
} chi_machine;

/** The default file: machine.yaml in $XDG_CACHE_HOME/chiasm or ~/.cache/chiasm.
 * \return CHI_ERR_USAGE where neither variable is set */
chi_status chi_machine_path(char *path, int64_t n);

/** \return CHI_ERR_INPUT naming file, line and key; for a key that is missing too */
chi_status chi_machine_read(const char *path, chi_machine *machine);

/** Write it, whole or not at all, making its folder. \return CHI_ERR_IO */
chi_status chi_machine_write(const char *path, const chi_machine *machine);

/** One fit, or one influence pass. */
typedef struct chi_fit_shape {
  int64_t rows;   /* events that take part */
  int32_t blocks; /* of events in an influence pass; 0: a fit */
  chi_residual residual;
  int64_t features;
  int64_t
      electrodes; /* of the whole subject (or of those whose layer it is): they decide the way */
  int64_t times;
  int64_t targets; /* that are fitted: all of those or a part */
} chi_fit_shape;

/** Seconds of a fit on encode->threads threads. Speeds of shapes between those measured are their
 * means, nearer ones (in the logarithms of events and features) counting more; beyond the
 * range measured, those at its edge.
 * \param[in]  busy   how much of the node's other cores is at work: 0 none, 1 all
 * \param[out] flops  of the fit, a float64 one counted twice (chi_encode_make_plan) */
double chi_machine_seconds(const chi_machine *machine, const chi_encode_options *encode,
                           const chi_fit_shape *shape, double busy, double *flops);
