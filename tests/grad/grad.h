/* The gradient harness: one problem is a random draw of an op's shapes and inputs; it is solved by a naive reference in double and by the op.
 *
 *   draw      says how many inputs and results there are, of what shapes, and draws whatever else the op needs
 *   forward   reference: out[].x from in[].x
 *   backward  reference, by hand: in[].g += what out[].g brings
 *   run       the op itself, on a tape
 *
 * Three things must be true of every case: the reference's gradient is the slope of its own forward (central differences, 1e-6); the op's
 * results, and its gradients, lie within the error bound that the reference carries (num.h). Inputs are floats, so they are the same in both.
 *
 * A function with kinks tells of each decision it takes (grad_decide). Where one hangs by less than its error bound, op and reference may decide
 * differently with equal right: the problem is drawn again. Where one changes within the steps of a central difference there is no slope: that
 * element is left out and counted, and the tests bound how many. */
#ifndef HEED_TESTS_GRAD_H
#define HEED_TESTS_GRAD_H

#include "base/arena.h"
#include "heed/ops.h"
#include "num.h"

enum { GRAD_INPUTS = 18, GRAD_OUTPUTS = 2 };

typedef enum block_role {
    BLOCK_INPUT,                  /* a tensor of the tape */
    BLOCK_PRODUCT,                /* a weight that is packed for products */
    BLOCK_WEIGHT                  /* any other weight */
} block_role;

typedef struct block {
    int64_t rows, cols;
    block_role role;
    num *x, *g;                   /* [rows, cols] */
    heed_weight *weight;          /* for weights: set before the op runs */
} block;

typedef struct grad_case grad_case;

typedef struct problem {
    const grad_case *c;
    heed_arena *arena;
    uint64_t key, drawn;          /* drawn: random numbers used so far */
    block in[GRAD_INPUTS], out[GRAD_OUTPUTS];
    int inputs, outputs;
    void *own;                    /* what the case needs beyond */
    heed_span span;               /* ragged cases */
    heed_params *params;          /* while the op runs */
    uint64_t decided;             /* what forward decided at kinks, all of it as one number */
    bool open;                    /* a decision hangs by less than its error bound */
    int64_t most_slopes;          /* elements of an input whose slope is taken, spread over it; 0: all */
} problem;

struct grad_case {
    const char *name, *family;
    void (*draw)(problem *p);
    void (*forward)(problem *p);
    void (*backward)(problem *p);
    void (*run)(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out);
    void (*declare)(problem *p);  /* declares the weights itself and sets in[].weight; NULL: one weight a block */
    const void *subject;          /* for cases that share their functions */
};

/* --- for the cases --------------------------------------------------------------------------------------------------------------------- */

block *grad_in(problem *p, block_role role, int64_t rows, int64_t cols, double spread);    /* filled with normal floats of that deviation */
block *grad_out(problem *p, int64_t rows, int64_t cols);
void *grad_room(problem *p, size_t bytes);                                                 /* cleared, lives with the problem */
num *grad_nums(problem *p, int64_t n);
int64_t grad_draw(problem *p, int64_t least, int64_t most);                                /* a whole number, both ends included */
double grad_draw_normal(problem *p);
void grad_decide(problem *p, int64_t what, bool open);                                     /* told by forward */
heed_span grad_draw_span(problem *p, int64_t B, int64_t least, int64_t most);              /* B lengths between */

/* --- for the tests --------------------------------------------------------------------------------------------------------------------- */

problem *grad_problem_new(const grad_case *c, uint64_t key);      /* drawn and solved by the reference; out[].g is random */
problem *grad_problem_given(const grad_case *c, void (*lay)(problem *p, const void *from), const void *from);   /* laid instead of drawn */
void grad_problem_free(problem *p);

/* kinks: slopes left out; text: of the first wrong number; worst: error over bound; bounds, sizes: sums, so that bounds can be shown to be no mere formality. */
typedef struct grad_report { int64_t checked, wrong, kinks; char text[300]; double worst, bounds, sizes; } grad_report;

void grad_check_slope(problem *p, grad_report *r);                /* the reference against central differences of itself */
void grad_check_forward(problem *p, grad_report *r);              /* the op against the reference: results */
void grad_check_backward(problem *p, grad_report *r);             /* ... gradients of inputs and weights */

/* Runs the op on a tape of its own, with its weights declared, filled and packed, and lets `visit` look: in and out are those of c->run. */
typedef struct grad_scene { problem *p; heed_tape *t; heed_tensor *in[GRAD_INPUTS], *out[GRAD_OUTPUTS]; grad_report *r; heed_error err; } grad_scene;
void grad_visit(problem *p, bool record, grad_report *r, void (*visit)(grad_scene *s));
/* Runs back from the functional whose gradient is out[].g, and collects. */
void grad_run_back(grad_scene *s);
/* One fact more that was checked; the first that fails is kept in words. */
void grad_expect(grad_report *r, bool right, const char *format, ...) HEED_PRINTF(3, 4);

/* sum of y[i] . c[i]: a loss whose gradient at y[i] is c[i] exactly. */
heed_tensor *grad_functional(heed_tape *t, heed_tensor *const *y, float *const *c, int count);

/* All cases, one a row of ops.def in its order; NULL past the end. */
const grad_case *grad_case_at(int i);

#endif
