/* Reference of score location_conv: v . tanh(Wq q + Wk k + U f + b) (Chorowski et al. 2015, eq. 9): additive, where the layer's
 * reference has added U f to the key. */
#include "attention.h"

const ref_score ref_score_location_conv = {REF_QUERY | REF_KEY | REF_BIAS | REF_EXTRA | REF_HISTORY, ref_additive, ref_additive_back};
