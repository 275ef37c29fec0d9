/* Pairs of a corpus that a model reads along, one by one: what heed_faithful_measure() and heed_needed_measure() go through. */
#ifndef HEED_API_ALONG_H
#define HEED_API_ALONG_H

#include "api/session.h"

typedef struct heed_along_pair { char *text; const char *source, *target, *truth; int64_t line; } heed_along_pair;

typedef struct heed_along {
    const char *source, *target, *truth;      /* files; target NULL: source is a TSV; truth NULL: none */
    bool own;                                 /* the model writes the targets, which need not be there */
    int64_t most;                             /* pairs, 0: 1,000 */
    heed_along_pair *pair; int64_t count;     /* result, heed_along_free() */
} heed_along;

/* HEED_E_DATA: a file is missing, empty or damaged, sides of different length; HEED_E_USAGE: no source; HEED_E_NOMEM. */
heed_status heed_along_read(heed_along *a, heed_error *err);
void heed_along_free(heed_along *a);          /* also after heed_along_read() failed */

/* How an answer is found where there is no target, and what else is settled once for all pairs. HEED_E_USAGE: an ensemble, a task that does not search. */
typedef struct heed_along_how { heed_decode decode; heed_look look; } heed_along_how;
heed_status heed_along_settle(const heed_session *s, heed_along_how *how, heed_error *err);

/* A pair in the model's symbols, </s> included where it was read or written; in the arena. */
typedef struct heed_along_symbols {
    heed_output output;                       /* status HEED_E_LIMIT: the pair is too long */
    const int32_t *source, *target;           /* [output.source_count], [output.count] */
} heed_along_symbols;
heed_status heed_along_symbols_of(const heed_session *s, const heed_along_how *how, const heed_along *a, int64_t i, heed_tape *tape, heed_arena *arena,
                                  heed_along_symbols *out, heed_error *err);

/* What is done with pair i by one of the session's threads, numbered from 0 as its tapes are. */
typedef heed_status heed_along_visit(void *self, int thread, int64_t i, heed_error *err);
/* Visits all pairs, spread over the session's threads. An error ends the work of its thread and is told with file and line. progress: as in
 * heed_faithful_options, asked by the calling thread; HEED_E_STOPPED. */
heed_status heed_along_each(const heed_session *s, const heed_along *a, heed_along_visit *visit, void *self, bool (*progress)(void *, int64_t, int64_t), void *user,
                            heed_error *err);

#endif
