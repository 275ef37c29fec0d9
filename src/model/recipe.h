/* A recipe: every setting of a task, its data, text, model, training and search. Read from YAML, checked against one table (keys.def), each
 * key also settable from the command line. All strings belong to the recipe and live until heed_recipe_free().
 *
 * Every scalar is text typed by its key, so `no` can be Norwegian and `2016` the name of a set. A key names its kind, range and default in
 * keys.def; docs/recipes.md is made from the same rows. Threads: a recipe is a plain value, const once it is read. */
#ifndef HEED_MODEL_RECIPE_H
#define HEED_MODEL_RECIPE_H

#include "attn/score.h"
#include "data/corpus.h"
#include "data/text.h"

enum { HEED_MAX_FILES = 4, HEED_MAX_SETS = 16, HEED_MAX_PATTERNS = 16 };

enum {   /* places in encoders.def, decoders.def, cells.def */
#define HEED_ENCODER(name, help) HEED_ENCODER_##name,
#include "model/encoders.def"
#undef HEED_ENCODER
    HEED_ENCODER_COUNT
};
enum {
#define HEED_DECODER(name, help) HEED_DECODER_##name,
#include "model/decoders.def"
#undef HEED_DECODER
    HEED_DECODER_COUNT
};
enum {
#define HEED_CELL(name, help) HEED_CELL_##name,
#include "model/cells.def"
#undef HEED_CELL
    HEED_CELL_COUNT
};
enum { HEED_ATTENTION_NONE = 0 };                                  /* attention.score; a row of scores.def is 1 + its place there */
enum { HEED_VECTOR_START, HEED_VECTOR_EVERY_STEP };                /* attention.vector */
enum { HEED_ORDER_BAHDANAU, HEED_ORDER_LUONG };                    /* decoder.order */
enum { HEED_TIE_NONE, HEED_TIE_OUTPUT, HEED_TIE_ALL };             /* model.tie */
enum { HEED_NORM_POST, HEED_NORM_PRE };                            /* encoder.norm, decoder.norm */
enum { HEED_OPTIMIZER_ADAM, HEED_OPTIMIZER_ADAMW, HEED_OPTIMIZER_SGD };
enum { HEED_SCHEDULE_CONSTANT, HEED_SCHEDULE_LINEAR, HEED_SCHEDULE_INVERSE_SQRT, HEED_SCHEDULE_COSINE, HEED_SCHEDULE_PLATEAU };

typedef struct heed_files { char *path[HEED_MAX_FILES]; int count; } heed_files;       /* as written; heed_recipe_find resolves */
typedef struct heed_patterns { char *text[HEED_MAX_PATTERNS]; int count; } heed_patterns;     /* of names: `*` any letters, `?` one */
typedef struct heed_set { char *name; heed_files files; } heed_set;

/* What an encoder and a decoder of the same family have in common. */
typedef struct heed_stack_settings {
    int64_t heads, key_heads;   /* transformer; key_heads 0: as many as heads */
    int64_t inner;              /* transformer: width of the feed-forward layer, 0: four times the width */
    int norm;                   /* HEED_NORM_... */
    int activation;             /* heed_activation */
    int positions;              /* heed_positions */
    int64_t longest;            /* positions: learned: symbols at most */
    int64_t window;             /* transformer: keys to each side (before, in a decoder) in self-attention, 0: all */
    int score;                  /* transformer: of self-attention, place in scores.def */
    int64_t kernel;             /* conv: rows that one convolution sees */
} heed_stack_settings;

typedef struct heed_encoder_settings {
    int type;                   /* HEED_ENCODER_... */
    int cell;                   /* HEED_CELL_... */
    int64_t layers, directions, embed, width;
    double dropout;
    heed_stack_settings stack;
} heed_encoder_settings;

typedef struct heed_attention_settings {
    int score;                  /* HEED_ATTENTION_NONE, or 1 + place in scores.def */
    int align;                  /* place in heed/aligns.def; `softmax` is `everything` */
    int64_t width;              /* of the projections, 0: the decoder's width */
    int64_t window;             /* keys to each side; size of a block */
    int64_t heads, key_heads;   /* 0: the decoder's own heads; 0: as many as heads */
    int64_t longest;            /* location: source symbols at most */
    int64_t filters, filter_width;   /* location_conv */
    bool coverage, copy;
    int vector;                 /* HEED_VECTOR_..., for score none */
} heed_attention_settings;

typedef struct heed_decoder_settings {
    int type, cell;             /* HEED_DECODER_..., HEED_CELL_... */
    int order;                  /* HEED_ORDER_... */
    bool input_feeding;         /* with luong */
    int64_t layers, embed, width;
    double dropout;
    heed_stack_settings stack;
} heed_decoder_settings;

typedef struct heed_guided_settings {
    char *links;                /* "none", "statistical", or a file */
    double weight;
    int64_t layer, head;        /* layer < 0: counted from above, -1 the last; head -1: the mean of the layer's heads */
    int64_t shift;              /* 0: a symbol's weights are those of the step that writes it; 1: of the step that reads it, one later */
    bool empty;                 /* words without links are taught to look at </s> */
    int symmetry;               /* heed_symmetry (align/links.h), of statistical links */
} heed_guided_settings;

typedef struct heed_recipe {
    int64_t version;            /* of the recipe's format: 1 */
    char *path;                 /* the file it came from, NULL: none */
    char *task;                 /* "transduce"; the task layer knows the names */
    struct {
        char *root;             /* "" when not set */
        heed_files train, valid;
        heed_set test[HEED_MAX_SETS];
        int tests;
        int invalid_utf8;       /* heed_invalid */
        int64_t max_length, shuffle_buffer;
    } data;
    struct { heed_text_settings source, target; bool shared; heed_text_noise source_noise, target_noise; } text;   /* noise: of trainings */
    struct {
        heed_encoder_settings encoder;
        heed_attention_settings attention;
        heed_decoder_settings decoder;
        int tie;                /* HEED_TIE_... */
    } model;
    struct {
        int64_t sentences, tokens, accumulate;        /* train.batch.sentences, train.batch.tokens: one of them is 0 */
        int64_t epochs, updates, seconds;             /* 0: not set */
        struct { int type; double rate, beta1, beta2, eps, weight_decay, momentum; } optimizer;   /* HEED_OPTIMIZER_... */
        struct { int type; int64_t warmup_updates; double from, to, factor; int64_t patience; } schedule;
                                /* HEED_SCHEDULE_...; from, to: fractions of the rate, where warming up begins and where the end is */
        double clip, label_smoothing, teacher_forcing;
        heed_guided_settings guided;
        struct { bool by_epoch; int64_t every; char *metric; int64_t beam, patience; } validate;   /* every: updates when !by_epoch; metric "loss" or metrics.def; patience 0: never stop early */
        int64_t keep, average;
        int precision;          /* a heed_number */
        heed_patterns freeze;   /* of weights that keep their values */
        char *init_from;        /* model directory to begin from, "" when not set */
        char *frozen_attention; /* model directory whose attention's weights are those of the training, likewise */
        struct { char *model; double weight; } adversary;   /* model directory that is to be equalled with other weights, likewise; what these count */
        uint64_t seed;
    } train;
    struct {
        int64_t beam;
        double length_penalty, max_ratio;
        int64_t max_extra;      /* at most ratio x source + extra symbols */
        int precision;          /* a heed_number */
    } decode;
    void *owner;                /* memory of the strings */
} heed_recipe;

/* Fills r, whatever it held, with the defaults of keys.def: every key but data.train has one. HEED_E_NOMEM. */
heed_status heed_recipe_default(heed_recipe *r, heed_error *err);
void heed_recipe_free(heed_recipe *r);                 /* leaves {0}, which may be freed again */

/* Reads YAML text into r, which is {0} or a recipe (then keys that are not named stay). path: for messages and for heed_recipe_find; it is
 * kept. After a failure r holds part of the settings and is good for nothing but heed_recipe_free().
 *   HEED_E_USAGE   path:line: unknown key "warmp" under train.schedule; did you mean "warmup"? - also a wrong type, a value out of range, two
 *                  settings that exclude each other (heed_recipe_check), a key that says nothing of the chosen part (`heads` of an rnn encoder). Anchors, aliases, tags, duplicate keys, several documents, depth above
 *                  8, more than 10,000 values and more than 1 MiB are refused.
 *   HEED_E_NOMEM */
heed_status heed_recipe_parse(heed_recipe *r, const char *yaml, size_t size, const char *path, heed_error *err);
/* The same of a text that heed_recipe_write() has made, now or in an older version, which may hold keys that say nothing; and from a file of such. */
heed_status heed_recipe_restore(heed_recipe *r, const char *yaml, size_t size, const char *path, heed_error *err);
heed_status heed_recipe_reopen(heed_recipe *r, const char *path, heed_error *err);
/* heed_recipe_parse() from a file. sets: [count] of "train.rate=1e-3", applied after the file, in order, before the check. */
heed_status heed_recipe_open(heed_recipe *r, const char *path, const char *const *sets, int count, heed_error *err);
/* One "key=value"; the value is YAML ("[a.txt, b.txt.gz]", "{tokens: 4096}"). Does not check; call heed_recipe_check() after the last. */
heed_status heed_recipe_set(heed_recipe *r, const char *assignment, heed_error *err);
/* What no single key can see: data to train on, an end to the training, windows with a width, ... HEED_E_USAGE names keys and remedy. */
heed_status heed_recipe_check(const heed_recipe *r, heed_error *err);

/* Appends the resolved recipe as YAML that parses to the same recipe, every key written that says something of the parts chosen. HEED_E_NOMEM. */
heed_status heed_recipe_write(const heed_recipe *r, heed_buf *out);
/* Appends the keys in which two recipes differ, one a line ("train.optimizer.rate: 0.001, was 0.002"), for a refused resume. Returns their
 * number. Where the files come from (r->path) does not count. */
int heed_recipe_differ(const heed_recipe *was, const heed_recipe *now, heed_buf *out);
/* train.init_from of a run that begins from a model directory. HEED_E_NOMEM. */
heed_status heed_recipe_begin_from(heed_recipe *r, const char *dir, heed_error *err);
/* Takes over the settings of text that r was not given. Appends the keys that it was given differently, as heed_recipe_differ() does; returns their number. */
int heed_recipe_take_text(heed_recipe *r, const heed_recipe *from, heed_buf *out);
/* Assignments to the recipe of a model that has its weights: keys of decode, and those of the model that need no other weights. Checks the whole.
 * HEED_E_USAGE. */
heed_status heed_recipe_reset(heed_recipe *r, const char *const *sets, int count, heed_error *err);
/* The word chosen for a key of kind choice ("model.encoder.type": "rnn"); "" when there is no such key. */
const char *heed_recipe_choice(const heed_recipe *r, const char *key);
/* What a training needs beyond heed_recipe_check(): an attention that passes gradients. HEED_E_USAGE. */
heed_status heed_recipe_trainable(const heed_recipe *r, heed_error *err);
/* Width of the embeddings of a side, and the deviation of their first values. */
int64_t heed_recipe_embed(const heed_recipe *r, bool target, double *deviation);
/* How the decoder's layers look at the source; score NULL: they do not. */
heed_attn_settings heed_recipe_attention(const heed_recipe *r);
/* Layers of the decoder that look at the source, and heads of each; 0 without attention. */
void heed_recipe_looks(const heed_recipe *r, int64_t *layers, int64_t *heads);
/* Whether attention is guided, and the layer that is; -1: none. */
bool heed_recipe_is_guided(const heed_recipe *r);
int64_t heed_recipe_guided_layer(const heed_recipe *r);
/* Symbols that a side may have (</s> counted) where learned positions, or a score with a row for each place, say so: every such limit with its key, in the order
 * in which they count when they are equal. Returns how many. */
typedef struct heed_limit { const char *key; int64_t symbols; bool target; } heed_limit;
enum { HEED_MOST_LIMITS = 3 };
int heed_recipe_limits(const heed_recipe *r, heed_limit out[HEED_MOST_LIMITS]);
/* Where a relative file of the recipe lies: beside the recipe, then under data.root (itself looked for beside the recipe, then from the current
 * directory), then under `data_dir` (HEED_DATA; NULL: none) with data.root below it. HEED_E_DATA lists the places that were looked at. */
heed_status heed_recipe_find(const heed_recipe *r, const char *file, const char *data_dir, char *out, size_t size, heed_error *err);
/* Appends docs/recipes.md's table: key, type, range, default, meaning, as Markdown. */
void heed_recipe_describe(heed_buf *out);

#endif
