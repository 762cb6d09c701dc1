/** \file paper.h
 * The catalog of the study of Subramaniam et al. (ICML 2024), without data: the sizes of
 * protocol.md, "Data and models of the paper". Where that is silent, the numbers are round ones of
 * ours:
 * - 1090 electrodes over 7 subjects: 156 or 155 each;
 * - 4,000 to 11,000 events, evenly spaced over subjects; in vision as many as in language;
 * - the networks' layers: SLIP-Combo 185, SLIP-CLIP 160, ALBEF 150, BLIP 140, FLAVA 130, SimCLR
 * 100, BEiT 75, ConvNeXt 60, SBERT 40, SimCSE 40; the linear ones 1 each;
 * - features: what the sparse random projection makes of a layer (k = 4 ln n / (eps^2/2 - eps^3/3),
 *   eps = 0.1), but 768 of a network's last; of the linear ones twice 768. */
#pragma once

#include "chiasm/study.h"

/** \param[in]  selection  as for chi_study_open
 * \param[out] out  destroy with chi_study_destroy
 * \return CHI_ERR_USAGE if nothing fits the selection */
chi_status chi_paper_study(const chi_selection *selection, chi_study **out);
