/* Calls of include/heed/attention.h as its tests make them: scratch of just the size that was asked for, off every alignment and full of NaN, with a guard behind it. */
#ifndef HEED_TESTS_ISA_ATTENTION_CALLS_H
#define HEED_TESTS_ISA_ATTENTION_CALLS_H

#include "isa/arrays.h"
#include "support/attention_reference.h"

enum { ATTENTION_TYPES = HEED_BF16 + 1 };  /* numbers that there are kernels for, from HEED_F32 on; drawn settings have others turned into HEED_F32 */

/* attention_recipe_draw() of a type that there are kernels for. */
attention_recipe attention_draw(uint64_t key, int64_t most_length, int64_t most_width);

/* The main of a test: runs the group in a process of its own for every instruction set that this machine has. */
int attention_each_isa(int argc, char **argv, int (*group)(void));
/* Table number i of those that this machine runs and that are quick enough to be tested, NULL behind the last. */
const heed_kernels *attention_table(int i);

/* Forward, and backward when asked, with so many threads (0: those of the problem); results as the references give them, side by side. A failure fails the test. */
attention_results attention_run(const attention_problem *p, int threads, bool backward);
attention_results attention_run_by(const heed_kernels *kernels, const attention_problem *p, int threads, bool backward);       /* of a table of one's own choice */
/* One call; the error is left in err. */
heed_status attention_call(const attention_problem *p, bool backward, heed_error *err);
heed_status attention_call_by(const heed_kernels *kernels, const attention_problem *p, bool backward, heed_error *err);
int64_t attention_results_size(const attention_problem *p);        /* numbers in their block */

/* A sequence of a problem as a problem of its own, in the same memory. */
typedef struct attention_alone { attention_problem p; int64_t query_start[2], key_start[2]; } attention_alone;
void attention_alone_of(attention_alone *one, const attention_problem *p, int64_t sequence);

/* Every result errs at most twice as far as the naive form, as the greatest and as the root of the mean square, and by what stands at `hold` in attention_calls.c;
 * `what` and the ISA go into the message. */
void attention_hold(const attention_problem *p, bool backward, const char *what);
/* The same of a problem that says in other words what p says. */
void attention_hold_as(const attention_problem *p, const attention_problem *called, bool backward, const char *what);
/* The same of attention_problem_new(r, key) by every attention_table(): the references are computed once. */
void attention_hold_tables(const attention_recipe *r, uint64_t key, bool backward, const char *what);

#endif
