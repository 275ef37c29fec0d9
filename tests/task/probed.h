/* Tiny models of every kind, and one pair of texts under a probe. */
#ifndef HEED_TESTS_TASK_PROBED_H
#define HEED_TESTS_TASK_PROBED_H

#include "explain/lens.h"
#include "support/tiny.h"

enum { PROBED_MOST = 16 };

/* Those of variants.h, and Transformers and convolutions. */
int probed_count(void);
const tiny *probed_at(int i, const char **name);

typedef struct probed {
    heed_model *model;
    heed_session *session;
    heed_tape *tape;
    heed_probe *probe;
    const char *source_text, *target_text;
    int32_t source[PROBED_MOST], target[PROBED_MOST];
    heed_lens_input in;                   /* without words, looking at the last layer's mean */
} probed;

/* Fails the test where it cannot. */
void probed_open(probed *p, const tiny *t, const char *source, const char *target);
void probed_close(probed *p);
void probed_logp(const probed *p, const heed_variant *v, float *logp);     /* of one variant; fails the test */
/* What the session says of the pair with another source; valid until the next call, NULL frees it. */
const heed_output *probed_forced(const probed *p, const char *source);

/* Whether two numbers, each the sum or difference of so many ln p, are equal but for the order of their sums: tiny models' logits are sums of some tens of numbers of
 * size 1 to 10, whose orders differ by some hundred roundings of 6e-8. */
bool probed_near(double a, double b, int terms);

#endif
