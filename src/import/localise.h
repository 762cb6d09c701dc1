/** \file localise.h
 * Where the electrodes are: tables of the Brain Treebank, joined to the channels by name, since
 * their rows come in another order. All local. */
#ifndef CHIASM_IMPORT_LOCALISE_H
#define CHIASM_IMPORT_LOCALISE_H

#include "import/plan.h"

/** Take '*', '#' and '_' out of a label, in place. */
void chi_label_strip(char *label);

/** Regions from a column of depth-wm.csv (NULL: DKT if there is one, else DesikanKilliany, else
 * Destrieux). Electrodes without a row are counted in a note; a missing file is noted. */
chi_status chi_localise_regions(chi_plan *plan, const char *path, const char *atlas);

/** Coordinates X, Y, Z from elec_coords_full.csv by ID, "<subject>-<electrode>". As above. */
chi_status chi_localise_places(chi_plan *plan, const char *path);

#endif
