/* Everything that cross attention weighed on one pair, and other weights in its place: Jain and Wallace (2019) permute them, Wiegreffe and Pinter (2019) make
 * them uniform or take another model's. All layers and heads are changed at once, and nothing else: what was imposed is what was made beforehand of the weights
 * that the model has when nobody changes anything. */
#ifndef HEED_EXPLAIN_LOOKS_H
#define HEED_EXPLAIN_LOOKS_H

#include "base/arena.h"
#include "explain/probe.h"

typedef struct heed_looks {
    int layers, heads;
    int64_t T, S;             /* symbols written, which look; symbols read, which are the keys */
    float *weights;           /* [layers,heads,T,S] */
    bool *seen;               /* likewise: the row can see the key. What is made of other looks has none */
    int64_t *order;           /* [S] scratch */
} heed_looks;

/* How many weights those of a pair are. */
int64_t heed_looks_count(const heed_probe *p, int64_t T, int64_t S);
/* Zeros for a pair, in the arena; false: out of memory. */
bool heed_looks_make(heed_arena *arena, const heed_probe *p, int64_t T, int64_t S, bool seen, heed_looks *l);

/* Runs the variant, for which l was made with `seen`, and fills l; logp of v is filled with the bits that it has where all that was recorded is imposed. Observer
 * and meddler of the probe are kept from it. Errors of the probe; HEED_E_USAGE: keys are not the symbols of the source. */
heed_status heed_looks_record(heed_probe *p, const heed_variant *v, heed_looks *l, heed_error *err);

/* to, made for the same pair: each row's weights among the keys that it can see, a function of key, layer, head and row; and the same weight for each of them. */
void heed_looks_permute(const heed_looks *own, uint64_t key, heed_looks *to);
void heed_looks_level(const heed_looks *own, heed_looks *to);

/* A meddler that puts looks[i] in the place of what variant i of a call has; a row that has these weights already is none that was changed. self: the array. */
heed_meddler heed_looks_imposed(const heed_looks *looks);

/* Jensen-Shannon divergence of a row's weights in both, each divided by its sum, in nats (0 .. ln 2): the mean over layers and heads, summed over the T rows. Rows
 * that see nothing count as alike. */
double heed_looks_divergence(const heed_looks *a, const heed_looks *b);

#endif
