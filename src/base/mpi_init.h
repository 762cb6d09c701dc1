/** \file mpi_init.h
 * The start of MPI, for every main. */
#pragma once

/** MPI_Init_thread for MPI_THREAD_MULTIPLE; MPI_Finalize ends it. Collective on MPI_COMM_WORLD.
 *
 * Open MPI's plugins for PMIx then stay in memory until the program ends: MPI_Finalize of Open MPI
 * 4.1 closes them before it stops the thread that runs their callbacks, so one that comes late
 * would crash a program that was done. A process without mpirun gets no daemon of Open MPI's beside
 * it (it starts no others): that saves half a second, and MPI_Finalize, which now and then waited
 * for ever for the thread that talks to it.
 *
 * Files get no shared file pointers: Open MPI keeps them under a semaphore that bears the file's
 * bare name, the same for all jobs and users of a machine. Another user's made a rank fail and the
 * others wait for it, and one that a killed job left taken made every later job wait, for ever.
 * \return the level of thread support that there is */
int chi_mpi_init(int *argc, char ***argv);
