/* The table of keys.def in memory: what every key of a recipe is called, where it lies and what it may hold. A kind knows how its values are
 * read, written and described; nothing else does. */
#ifndef HEED_MODEL_KEYS_H
#define HEED_MODEL_KEYS_H

#include "heed/ops.h"
#include "model/recipe.h"
#include "model/tree.h"

enum {
    HEED_PLACE_OF_NO_SCORE = HEED_ATTENTION_NONE,
#define HEED_SCORE(name, ...) HEED_PLACE_OF_SCORE_##name,
#include "attn/scores.def"
#undef HEED_SCORE
};

typedef enum heed_taken { HEED_TAKEN, HEED_REFUSED, HEED_NO_MEMORY } heed_taken;

typedef struct heed_choice { const char *name; int value; } heed_choice;   /* the first name of a value is the one that is written */

typedef struct heed_key heed_key;

typedef struct heed_kind {
    const char *type;       /* for the documentation: "whole number" */
    const char *before;     /* for messages, before the range: "a whole number from " */
    heed_taken (*set)(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory);
    void (*write)(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out);   /* a value that JSON or YAML reads back to the same */
    void (*range)(const heed_key *k, heed_buf *out);
} heed_kind;

extern const heed_kind heed_kind_whole, heed_kind_seed, heed_kind_real, heed_kind_flag, heed_kind_choice, heed_kind_text, heed_kind_metric,
    heed_kind_files, heed_kind_sets, heed_kind_patterns, heed_kind_betas, heed_kind_limit, heed_kind_every;

struct heed_key {
    const char *name, *alias;           /* alias: "" or the short name */
    const heed_kind *kind;
    size_t offset;                      /* in heed_recipe */
    double low, high;
    const heed_choice *choices;
    const char *standard, *meaning;     /* standard: the default, as it would be written */
};

enum {
    HEED_KEYS = 0
#define HEED_KEY(...) +1
#include "model/keys.def"
#undef HEED_KEY
};

extern const heed_key heed_keys[HEED_KEYS];

/* What recipe->owner points to. */
typedef struct heed_recipe_owner {
    heed_arena *memory;
    bool given[HEED_KEYS];              /* by a file or an assignment, not by default */
    bool fresh[HEED_KEYS];              /* given, and not yet held against what else is set: heed_keys_heard() */
    int line[HEED_KEYS];                /* of a key that is fresh; 0: an assignment */
} heed_recipe_owner;

/* Types every node of a map and stores it. Errors as in recipe.h, with the status of `from`. */
heed_status heed_keys_apply(heed_recipe *r, const heed_node *root, const heed_origin *from, heed_error *err);

/* Does the key say anything with the parts that r has chosen? */
bool heed_key_speaks(const heed_key *k, const heed_recipe *r);
/* Refuses fresh keys that say nothing, and forgets that they were fresh. A file is held against itself, assignments against what they lead to: so
 * another part can be tried from the command line though the file has settings of the old one. */
heed_status heed_keys_heard(const heed_recipe *r, const heed_origin *from, heed_error *err);
/* Forgets that keys are fresh: of a file of ours, in which older versions wrote keys that say nothing. */
void heed_keys_believe(heed_recipe *r);

/* Does the key belong to the model, and so into config.json? */
bool heed_key_of_model(const heed_key *k);
/* The layers' own rules: heads and widths, pairs of refusals.def, places for so many symbols. training: those of a training too. */
heed_status heed_layers_check(const heed_recipe *r, bool model, bool training, const heed_origin *from, heed_error *err);
/* The rules between keys; only those of the model when `model` is set. */
heed_status heed_keys_check(const heed_recipe *r, bool model, const heed_origin *from, heed_error *err);
/* Keys and values as they stand in config.json, without the outer braces: "task": ..., "model": {...} */
void heed_keys_json(const heed_recipe *r, bool (*wanted)(const heed_key *k), heed_buf *out);

#endif
