/* Pairs of texts for tiny models, batches of them, and the first steps of a decoder over one. They fail the test where they cannot be made. */
#ifndef HEED_TESTS_TASK_TEXTS_H
#define HEED_TESTS_TASK_TEXTS_H

#include "model/forcing.h"
#include "model/model.h"

enum { TEXTS_MOST = 7, TEXTS_LONGEST = 20 };

/* source, target: UTF-8; record: their keys. */
typedef struct texts {
    int64_t n;
    char source[TEXTS_MOST][TEXTS_LONGEST + 1], target[TEXTS_MOST][2 * TEXTS_LONGEST + 1];
    heed_tokens from[TEXTS_MOST], to[TEXTS_MOST];
    uint64_t record[TEXTS_MOST];
} texts;

void encode(const heed_text *t, const char *text, heed_tokens *out);

/* n pairs of 0 to `longest` symbols a side, unknown ones among them; the first target is as long as may be. */
void texts_draw(texts *x, const heed_model *m, int64_t n, int64_t longest, uint64_t key);
void texts_free(texts *x);
/* Pairs first .. first+n-1, longest target first. */
heed_batch *texts_batch(const texts *x, int64_t first, int64_t n);

heed_tape *new_tape(void);

/* The third step of a decoder: step k reads ids[k]; before the second and the third, rows[k-1] rows are chosen by order[k-1]. NULL: no choice. The tape says
 * whether it went well. */
heed_step step_thrice(heed_tape *t, const heed_model *m, const heed_batch *b, const int32_t *const ids[3], const int64_t *const order[2],
                      const int64_t rows[2]);

/* Through a decoder step by step, the targets known: lay.alive[i] rows are at their symbol i, row r of them sequence r. */
typedef struct walk { heed_tape *t; const heed_model *m; heed_state s; heed_forcing lay; int64_t i; } walk;
void walk_init(walk *w, heed_tape *t, const heed_model *m, const heed_batch *b);
bool walk_on(walk *w, heed_step *step);   /* false past the longest target; the tape says whether it went well */

/* The largest of all |x|. */
double widest(const heed_tensor *x);

#endif
