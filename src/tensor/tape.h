/* For authors of ops: how a node is made and how a gradient finds its place. docs/add-an-op.md walks through one. */
#ifndef HEED_TENSOR_TAPE_H
#define HEED_TENSOR_TAPE_H

#include "base/arena.h"
#include "heed/tensor.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

typedef struct heed_node heed_node;
struct heed_node {
    const char *op, *scope;
    heed_tensor *out, *other;           /* other: a second result, or NULL */
    void (*back)(heed_tape *t, heed_node *n);
    void *saved;                        /* the op's own struct, in the tape's arena */
    heed_node *before;
};

typedef enum heed_pending_kind { HEED_PENDING_PRODUCT, HEED_PENDING_COLUMNS, HEED_PENDING_EMBED, HEED_PENDING_DENSE } heed_pending_kind;

/* A weight's gradient is not summed where it arises but listed, so that all rows of a step meet in one product, and so that shards of a
 * batch can be joined in a fixed order (heed_params_collect). */
typedef struct heed_pending heed_pending;
struct heed_pending {
    heed_pending_kind kind;
    heed_gemm_rows rows;                /* product: dy^T x; columns: sum of dy's rows, which are contiguous */
    const int32_t *ids;                 /* embed: dy row i belongs to weight row ids[i] */
    const float *dense;                 /* dense: the weight's whole gradient */
    heed_pending *next;
};

/* What a probe hangs on a tape (explain/probe.h), so that models need know nothing of it. Each may be NULL. */
struct heed_attended; struct heed_attend_args; struct heed_attn;
typedef struct heed_tape_hooks {
    void *self;
    heed_tensor *(*embed)(void *self, heed_tape *t, heed_tensor *rows);     /* what heed_embed() gives in the place of rows */
    struct heed_attended (*attend)(void *self, heed_tape *t, const struct heed_attn *a, const struct heed_attend_args *args);   /* heed_attend() of a layer */
    /* For each of so many rows one before it that may be equal, or itself; NULL: none is. heed_linear() compares them, and multiplies equal rows once. */
    const int64_t *(*twins)(void *self, const heed_tape *t, int64_t rows);
    heed_pack *const *packs;            /* [weights of params] floats, packed for the product and the way back, in the place of the weights' own */
} heed_tape_hooks;

/* Memory of the tape that nobody needs any more. */
typedef struct heed_spare heed_spare;
enum { HEED_LINE = 64 };   /* bytes: the arena's grain */
struct heed_spare {
    heed_spare *next;
    size_t bytes;
};

/* Sines and cosines of positions 0 .. rows-1 as ops/position.c makes them, kept over resets: a step of decoding needs one more row each time. */
typedef struct heed_waves { int64_t half, last, rows; float *table; } heed_waves;
enum { HEED_WAVES = 4 };

struct heed_tape {
    heed_arena *arena, *small;          /* small: what a thrifty round would not use again */
    heed_gemm *gemm;
    const heed_kernels *k;
    bool record, train;
    uint64_t key;
    heed_node *last;
    heed_tensor poison;
    heed_error error;                   /* the first failure, status HEED_OK: none */
    const char *scope;
    heed_pending **pending, **pending_tail;   /* [weights of params], in order of arising; NULL until a weight is met */
    int64_t pending_count;
    bool thrifty;
    heed_spare *spare;
    heed_stopwatch *watch;              /* NULL: nobody wants to know where time goes */
    heed_waves waves[HEED_WAVES];       /* table NULL: none yet */
    const heed_tape_hooks *hooks;       /* NULL: nothing hangs here; kept over heed_tape_reset() */
};

heed_tensor *heed_tape_tensor(heed_tape *t, int64_t rows, int64_t cols);        /* values not set */
void *heed_tape_alloc(heed_tape *t, size_t bytes);                              /* NULL: failed, and the tape knows */
/* Records out as the result of op; wants: one of its inputs wants a gradient. Returns out. Nothing is recorded (and saved may be NULL) when
 * heed_tape_wants() said no. */
bool heed_tape_wants(const heed_tape *t, bool wants);
heed_tensor *heed_tape_node(heed_tape *t, const char *op, heed_tensor *out, void (*back)(heed_tape *, heed_node *), void *saved);
heed_tensor *heed_tape_fail(heed_tape *t, heed_status status, const char *format, ...) HEED_PRINTF(3, 4);   /* keeps the first; returns poison */
/* From now on every node is a lap of w, "forward" and "backward", and so is every product of the tape; borrowed, NULL: none is. */
void heed_tape_watch(heed_tape *t, heed_stopwatch *w);
static inline bool heed_tape_failed(const heed_tape *t) { return t->error.status != HEED_OK; }
/* Where x's gradient is added: allocated and cleared on first use; a view's lies in its base, a weight's is listed as a piece of its own at each call.
 * NULL: x wants none, or memory failed. */
float *heed_tape_grad(heed_tape *t, heed_tensor *x);
/* The same for who writes all of it: when *fresh is set nobody has added to it yet, and what stands there must be overwritten. */
float *heed_tape_grad_fresh(heed_tape *t, heed_tensor *x, bool *fresh);
/* For who can turn out's gradient into x's, of an equal shape, where it stands: that memory, with out's gradient in it, is x's from now on. NULL: it is not to be had. */
float *heed_tape_grad_take(heed_tape *t, heed_tensor *x, heed_tensor *out);
/* For ops that know their weight's gradient as a product, a sum of columns or rows by number. x and dy: the tensors whose values and whose gradient the piece points
 * at, if any; NULL: memory of the op's own. */
void heed_tape_pend(heed_tape *t, heed_tensor *weight, const heed_pending *piece, heed_tensor *x, heed_tensor *dy);      /* copies piece */
/* For the round that heed_tape_reset() has begun: heed_backward() uses the memory of values and gradients again as it leaves them behind, so neither can be read
 * afterwards, but for those of inputs and what is listed. Call it before the round's first op. */
void heed_tape_thrift(heed_tape *t);
/* In a thrifty round nobody reads x's values from now on, neither an op to come nor the way back of those that made or took it: their memory is used again, and x->x is
 * NULL. x is no view, what its views saw is gone with it; a gradient it may still have. Else does nothing. */
void heed_tape_spend(heed_tape *t, heed_tensor *x);
/* Memory that outlives the op, used again where there is some; NULL: failed, as heed_tape_alloc(). spare(): an op gives back what it had from one of the two and needs no
 * more, outside of any rewinding that would end it. */
void *heed_tape_room(heed_tape *t, size_t bytes);
void heed_tape_spare(heed_tape *t, void *memory, size_t bytes);

/* What the tape has listed of w, in order of arising. */
static inline const heed_pending *heed_tape_pending(const heed_tape *t, const heed_weight *w)
{
    return w->id < t->pending_count ? t->pending[w->id] : NULL;
}

/* Sums what tapes have listed into the gradients of p, which are overwritten (weights nobody met get zeros): tapes in index order, pieces in the
 * order in which they arose. Work is cut by the shapes of the weights; the bits do not depend on threads. */
heed_status heed_params_collect(heed_params *p, heed_tape *const *tapes, int count, int threads, heed_error *err);
/* The same for who has threads of their own: prepare() once, then every job of 0 .. jobs-1 by any of the `threads` workers, two of which may work on different
 * jobs at a time. fresh: gradients so far are forgotten, else added to. The bits are those of the order of tapes, however many are given at a time. Errors stay
 * with the workers: heed_params_crew_status(). */
heed_status heed_params_prepare(heed_params *p, int threads, heed_error *err);
int64_t heed_params_jobs(const heed_params *p);
void heed_params_work(heed_params *p, int worker, int64_t job, heed_tape *const *tapes, int count, bool fresh);
/* The first worker's error, in order. */
heed_status heed_params_crew_status(const heed_params *p, int threads, heed_error *err);
/* The times of summing go to watch [count], one a thread: products, and "gradients" for all else. NULL: to none. */
heed_status heed_params_watch(heed_params *p, heed_stopwatch *watch, int count, heed_error *err);
/* Packs the weights of products anew after heed_params_touch(); data: also for the way back. Call it before tapes run on the params. */
heed_status heed_params_pack(heed_params *p, bool data, int threads, heed_error *err);
/* Declares that w is the weight of a product. */
void heed_weight_product(heed_weight *w);
/* ... and that its rows are read by number as well, or that something else reads its floats. */
void heed_weight_table(heed_weight *w);
/* ... and that whole batches at a time go back through it, so that its floats serve as they are (heed_pack_lend()). */
void heed_weight_many(heed_weight *w);
/* ... and forward too while it learns, in bf16 on the way back alone: as long as it is packed for both ways nothing of floats is held twice. Pack it for one before few
 * rows at a time come. */
void heed_weight_lend(heed_weight *w);
/* ... and that its product is mostly looked through for the greatest, which heed_linear_rank() does piece by piece. */
void heed_weight_rank(heed_weight *w);
/* Once its values are there, and only read from now on: it is frozen, and if it is a product's packed for the forward pass alone. A large table may be screened
 * then (heed_linear_arg_max), for which a byte a number is taken when that is first asked for. Its floats go back to the system
 * unless it is a table; tensor.x is NULL then. Packing it anew is HEED_E_USAGE. */
heed_status heed_weight_serve(heed_weight *w, heed_error *err);
/* Its floats [rows,cols], also where they were given back: then as they are multiplied, floats with their bits (a zero without its sign), bf16 widened, whole numbers
 * times their scale to the last digit but one. For few calls: it costs as much as a product with `cols` rows. */
heed_status heed_weight_floats(const heed_weight *w, heed_gemm *g, float *out, heed_error *err);
/* Gives back what packing and collecting took; it comes again when it is needed. */
void heed_params_dismiss(heed_params *p);
/* From now on w keeps its values. Call it when they are there, before the first heed_params_collect(). */
void heed_weight_freeze(heed_weight *w);
/* What its products multiply. */
heed_number heed_tape_number(const heed_tensor *weight);
/* w's packed form; fails the tape when it is stale. */
const heed_pack *heed_tape_pack(heed_tape *t, heed_tensor *weight, bool data);
/* The screen of a weight with this packed form, ready (kernels/screen.h): of one that is served, a table, and large enough. NULL: none. */
struct heed_screen *heed_tape_screen(const heed_tensor *weight, const heed_pack *pack);

#endif
