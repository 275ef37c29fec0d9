/* heed.h: the stable surface. Open a model, run it, score it, look into it; train one from a recipe. No call exits, aborts or prints.
 *
 * Threads: a heed_model is const once opened and may be shared; a heed_session belongs to one thread at a time.
 * Strings are UTF-8, paths are the system's. A text a call gives is freed with heed_free(). */
#ifndef HEED_H
#define HEED_H

#include "heed/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEED_VERSION "0.1.0"
HEED_API const char *heed_version(void);                      /* "0.1.0" */
/* One line on the build and machine: "heed 0.1.0, avx512, oneDNN 2.6.3, OpenMP"; static storage. */
HEED_API const char *heed_build(void);
HEED_API void heed_free(void *p);                             /* frees any text or array that a call gave */

/* --- models and sessions --------------------------------------------------------------------------------------------------------------- */

typedef struct heed_model heed_model;
typedef struct heed_session heed_session;

typedef struct heed_model_options {
    const char *const *sets; int set_count;     /* "decode.length_penalty=0.6", "model.attention.align=hard": settings in the place of the recipe's. Only those
                                                   that need no other weights: decode.*, model.attention.align and .window, .window of encoder and decoder */
    const char *shortlist;    /* file (docs/decoding.md): what is written for a source is made of the symbols that the list has for it, and of those of prefixes and
                                 of must; given targets are read as without it. NULL: any symbol may be written */
} heed_model_options;

/* Opens a model directory; options may be NULL. HEED_E_MODEL: missing, damaged, altered, of a newer format (the text says which file and why); HEED_E_USAGE: no
 * such setting, or one that asks for other weights, a model that copies and a shortlist; HEED_E_DATA: the shortlist, by line; HEED_E_NOMEM. */
HEED_API heed_model *heed_model_open(const char *dir, const heed_model_options *options, heed_error *err);
HEED_API void heed_model_close(heed_model *m);                /* after its sessions; NULL is fine */
/* The numbers that matrix products with the model multiply; *asked (NULL: not interested): what decode.precision says, which is something else where this
 * processor has no instructions for it and floats are multiplied instead. */
HEED_API heed_number heed_model_number(const heed_model *m, heed_number *asked);
HEED_API const char *heed_number_name(heed_number number);    /* "f32", "bf16", "int8", as decode.precision has them */

typedef struct heed_quantized { int64_t bytes_before, bytes_after; } heed_quantized;      /* of model.safetensors */
/* Writes the model in `dir` anew as `out`, with matrices in fewer bits (HEED_BF16, or HEED_INT8 with a scale for each row) and decode.precision
 * set to them; vocabularies, the look that was chosen and provenance stay. `out` appears as a whole or not at all. report: may be NULL. HEED_E_USAGE: other
 * numbers, `out` exists, the model is in fewer bits already; HEED_E_MODEL: as heed_model_open(); HEED_E_LIMIT: a weight too large for such numbers; HEED_E_IO,
 * HEED_E_NOMEM. */
HEED_API heed_status heed_quantize(const char *dir, heed_number number, const char *out, heed_quantized *report, heed_error *err);

typedef struct heed_session_options {
    int threads;              /* for batches; 0: all cores this process may use */
    int64_t batch;            /* records a batch at most, 0: 64; long ones and beams make smaller batches */
    const heed_model *const *ensemble;    /* [ensemble_count] further models that write together with the session's: at every step the mean of their
                                 probabilities decides. Each reads the source in its own symbols; all write the same ones. What is shown of attention, the
                                 settings of decode and what is copied are the session's model's. The list is copied, the models must outlive the session */
    int ensemble_count;
    bool geometric;           /* the mean of ln p, made a distribution again, instead of the mean of p */
    size_t memory;            /* bytes that the work of each thread may hold, beside the model; 0: what the machine and the limits of the process leave. A batch
                                 that needs more is cut in two */
    int sessions;             /* so many like this one share what is left, 0: it is the only one */
} heed_session_options;

/* The model must outlive the session. options may be NULL. HEED_E_USAGE: more than 4,096 threads, an ensemble whose target vocabularies are not the same (the
 * text says where they differ first), or of a task that writes nothing; HEED_E_NOMEM. */
HEED_API heed_session *heed_session_new(const heed_model *m, const heed_session_options *options, heed_error *err);
HEED_API void heed_session_free(heed_session *s);

/* --- running ---------------------------------------------------------------------------------------------------------------------------- */

typedef struct heed_phrases { const char *const *items; int64_t count; } heed_phrases;      /* each of one or more words */

typedef struct heed_item {
    const char *text;         /* the source */
    const char *target;       /* forced decoding: the output is this text, scored and aligned; NULL: the model writes */
    const char *prefix;       /* what the model writes must begin with these symbols; NULL: with any. Not with a target */
    heed_phrases must, never; /* words that its output must and must not hold, besides those of heed_decode. Not with a target */
} heed_item;

/* Reads an item from one JSON object of `size` bytes: {"source": "...", "target": "...", "prefix": "...", "must": ["...", ...], "never": ["...", ...]}, where
 * "text" is another name of the source, all but the source may be missing or null, and other keys are left alone. The item's texts live in *memory, which is the
 * caller's, heed_free(). HEED_E_DATA: not JSON, not an object, a key twice, no source, a text that is no string or holds a zero character, a list that is none;
 * HEED_E_NOMEM. */
HEED_API heed_status heed_item_parse(const char *json, size_t size, heed_item *item, char **memory, heed_error *err);

/* How outputs are searched for. 0 stands for what the comment says. */
typedef struct heed_decode {
    int64_t beam;             /* hypotheses kept, 1 (greedy search) to 64 and the size of the target vocabulary; 0: decode.beam of the model's recipe,
                                 or nbest when that is more. Scores are then divided by length ^ decode.length_penalty, see heed_output */
    int64_t nbest;            /* outputs an item, at most the beam; 0: 1 */
    bool sample;              /* draw outputs instead, nbest of them, each by itself; no beam then */
    double temperature;       /* logits are divided by it; 0: 1 */
    int64_t top_k;            /* draw from the k likeliest symbols; 0: all */
    double top_p;             /* of those, from the fewest that hold this share of the probability, up to 1; 0: 1 */
    uint64_t seed;            /* a symbol drawn is a function of seed, number of the item, number of the draw, and step */
    uint64_t first;           /* number of the request's first item */
    heed_phrases must, never; /* words that every output must and must not hold; not with draws. A phrase stands in a text where its characters do and a word
                                 ends at both of its ends (docs/decoding.md); a model that lower-cases takes them in lower case. An output that lacks some of
                                 what it must hold says so (heed_output.unmet). must: 64 an item, of 63 symbols in all, spaces included. An item with such words keeps at
                                 least one hypothesis for each symbol of must and one more; when no beam was asked for twice as many, and 4 */
} heed_decode;

/* Other words at one place of the output: for each of them, the best output that begins as the best of all does and has another word there. */
typedef struct heed_fork {
    int64_t word;             /* from 0, as white space parts the output; their number: in the place of its end */
    int64_t outputs;          /* 1 to 64 */
} heed_fork;

/* Whose attention links, words and pictures are made of. A recurrent decoder has one layer that looks at the source, others as many as they have layers. */
typedef struct heed_look {
    int layer;                /* from 0, the lowest; -1: the last */
    int head;                 /* from 0; -1: the mean of the layer's heads */
    int shift;                /* 0: a symbol has the weights of the step that wrote it; 1: of the step that read it, one later (Chen et al. 2020);
                                 a last symbol keeps its own */
    double threshold;         /* links of words; 0: each target word's heaviest source word; up to 1: every pair of this weight or more */
    bool empty;               /* weights of words are taken as they are, and a target word whose weight on </s> is above that on each source word has no
                                 heaviest: of attention that was taught so (train.guided_alignment.empty). false: </s> does not count */
} heed_look;

/* What stands for a look that is not given: what was chosen for the model (heed_look_store()), else the mean of the last layer's heads. */
HEED_API heed_look heed_model_look(const heed_model *m);
/* Chooses a look for the model in dir, from which m was opened: its attn.json is replaced as a whole, nothing else is touched, and the next to open it meet the
 * choice. HEED_E_USAGE: a layer or head that the model lacks, no attention; HEED_E_MODEL: attn.json is damaged; HEED_E_IO, HEED_E_NOMEM. */
HEED_API heed_status heed_look_store(const heed_model *m, const char *dir, const heed_look *look, heed_error *err);

typedef struct heed_request {
    const heed_item *items;
    int64_t count;
    bool shown, weights;      /* keep the attention of `look` in the reply, symbol to symbol; weights: that of every layer and head as well */
    bool unscored;            /* score and logp of what the model writes are not wanted, and may be NaN: greedy search is faster then, and writes the same */
    const heed_look *look;    /* NULL: heed_model_look() */
    const heed_decode *decode;    /* NULL: as the model's recipe says */
    int64_t choices;          /* keep so many of the likeliest symbols of every step, up to 1,000 and what may be written; 0: none */
    const heed_fork *fork;    /* its outputs are the item's alternatives; NULL: none. Not with nbest, draws or targets */
} heed_request;

typedef struct heed_piece_of_text { const char *text; int64_t start, end; double logp; } heed_piece_of_text;   /* bytes [start,end) of the whole text */
typedef struct heed_link { int64_t source, target; } heed_link;
typedef struct heed_choice { const char *text; double logp; } heed_choice;
typedef struct heed_range { int64_t start, end; } heed_range;          /* bytes [start,end) of a text */

typedef struct heed_output heed_output;
struct heed_output {
    const char *source;                               /* as given */
    const char *text;                                 /* what the model wrote, or the target that was forced */
    double score;                                     /* sum of ln p of its symbols, the end included; found with a beam above 1, divided by
                                                         their number ^ decode.length_penalty */
    const heed_piece_of_text *source_tokens; int64_t source_count;     /* symbols of the source; the last is </s>, with start = end */
    const heed_piece_of_text *tokens; int64_t count;  /* symbols of the output; the last is </s> unless the limit of length cut it. A source without symbols
                                                         gives an empty text and none, unless a target is forced */
    const heed_link *links; int64_t link_count;       /* source word - target word, from 0, hard, as look.threshold says; none without attention */
    int64_t layers, heads;                            /* of attention to the source; 0 without */
    heed_look look;                                   /* whose weights are shown: nothing stands for a default but head -1, the mean */
    const float *shown;                               /* [count, source_count] symbol to symbol, rows sum to 1, or to 0 where the alignment hides every
                                                         symbol; NULL without attention or when not asked */
    const float *weights;                             /* [layers, heads, count, source_count] likewise, of all, each symbol's of the step that wrote it */
    const float *word_weights; int64_t source_words, target_words;     /* [target_words, source_words]: summed over a source word's symbols, mean over a
                                                         target word's, then divided by the row's sum unless look.empty; words split at white space */
    const float *empty_weights;                       /* [target_words] with look.empty: likewise of </s>; else NULL */
    const heed_range *source_ranges, *target_ranges;  /* [source_words], [target_words] in source and text; NULL without attention */
    const heed_choice *choices; int64_t choice_count; /* [count, choice_count] the likeliest symbols of each step, falling; NULL when not asked */
    const char *const *unmet; int64_t unmet_count;    /* of the words that it must hold, as given, those it lacks */
    heed_status status;                               /* HEED_OK, or why this item alone failed (not UTF-8, too long): error says it, text is "" */
    const char *error;
    const heed_output *alternatives; int64_t alternative_count;        /* the second best and on, falling scores (samples: as drawn), without alternatives
                                                         of their own; fewer than asked when the model can write no more. With a fork the outputs that
                                                         have another word there, falling scores, without `weights` */
};

typedef struct heed_reply heed_reply;
/* Runs all items, in batches of similar length over the session's threads; the bits of an output do not depend on its neighbours. An item that cannot
 * be read fails alone (heed_output.status: HEED_E_DATA, also when its prefix holds a word that must not appear or its output has no such place to fork; or
 * HEED_E_LIMIT above 5,000 symbols or with a prefix longer than decode.max_length, with too many words that must appear, or when its weights are more than 1 GiB).
 * The reply is the caller's until heed_reply_free().
 * HEED_E_USAGE: an item without text, or with a target and what does not go with it; settings out of range, or that exclude each other; a layer or head that the
 * model lacks; HEED_E_NOMEM. */
HEED_API heed_reply *heed_session_run(heed_session *s, const heed_request *request, heed_error *err);
HEED_API int64_t heed_reply_count(const heed_reply *r);
/* How often a batch did not fit into memory and was cut in two. HEED_E_NOMEM is left for an item that does not fit alone; the outputs are the same either way. */
HEED_API int64_t heed_reply_splits(const heed_reply *r);
HEED_API const heed_output *heed_reply_at(const heed_reply *r, int64_t i);      /* valid until heed_reply_free */
HEED_API void heed_reply_free(heed_reply *r);
/* The JSON object of docs/contract.md for output i, one line, for the caller to heed_free(). weights: with the matrices. */
HEED_API char *heed_reply_json(const heed_reply *r, int64_t i, int64_t id, bool weights, heed_error *err);

/* --- looking into it ----------------------------------------------------------------------------------------------------------------------- */

#include "heed/explain.h"
#include "heed/faithful.h"

/* How an alignment was learnt. heed_train() saves in its directory how the same few pairs of the validation data look to the model, before the first update and
 * at every validation (film.jsonl, docs/contract.md); here that is drawn. Models without attention have no film. */
typedef struct heed_film_options {
    heed_picture picture;     /* TERMINAL: one sentence; SVG, JSON, PAGE */
    bool colour; int columns; /* as in heed_explain_options */
    int sentence;             /* from 0; -1: all of them, on a terminal the first */
} heed_film_options;
/* dir: of a training; options NULL: a terminal, the first sentence. The text is the caller's, heed_free(). HEED_E_MODEL: no such training, no film in it, or damaged, with
 * the line; HEED_E_USAGE: no such sentence or picture, a model without attention; HEED_E_LIMIT: more than a million frames; HEED_E_NOMEM. */
HEED_API char *heed_film(const char *dir, const heed_film_options *options, heed_error *err);

/* A line chart as SVG, for learning curves and error by length: up to 30 named lines, told apart by colour, dashes and marks, so in print too. */
typedef struct heed_line {
    const char *name;
    const double *x, *y; int64_t points;        /* [points]; a point that is not finite leaves a gap */
    const double *low, *high;          /* [points] ends of each point's interval, drawn as bars, or as a band where points are many; NAN: none; NULL: of no point */
} heed_line;
typedef struct heed_chart {
    const char *title, *x_label, *y_label;
    const heed_line *lines; int count;
    double y_min, y_max;               /* equal: from the data */
    bool log_x;                        /* equal ratios of x lie equally far apart; an x that is not above 0 leaves a gap */
} heed_chart;
/* HEED_E_USAGE: more than 30 lines, or low without high; HEED_E_NOMEM. The text is the caller's, heed_free(). */
HEED_API char *heed_chart_svg(const heed_chart *c, heed_error *err);
/* The same from a table: a file ("-": standard input) of lines of fields parted by tabs: name of the line, x, y, and where there is an interval low and high.
 * A first row without numbers names the columns, and the axes where `how` does not. Of `how`, lines and count are not read. Points stand in order of x.
 * HEED_E_DATA: missing, no row, not UTF-8, a row of another shape, no number, the same x twice in a line, an x that log_x cannot place, low above high, each
 * with its line; HEED_E_LIMIT: more than 30 lines or 100,000 points; HEED_E_NOMEM. */
HEED_API char *heed_chart_table(const char *path, const heed_chart *how, heed_error *err);
/* Parameters by part, shapes, settings, provenance; json: one object. */
HEED_API char *heed_model_describe(const heed_model *m, bool json, heed_error *err);

/* --- training -------------------------------------------------------------------------------------------------------------------------------- */

typedef enum heed_event_kind { HEED_EVENT_START, HEED_EVENT_UPDATE, HEED_EVENT_VALID, HEED_EVENT_SAVED, HEED_EVENT_WARNING, HEED_EVENT_END } heed_event_kind;

typedef struct heed_event {
    heed_event_kind kind;
    const char *text;                  /* START: what will be done; WARNING: what; SAVED: where; END: why it ended; else NULL */
    int64_t update, updates;           /* updates: how many there will be if known, else 0 */
    int64_t epoch, epochs;             /* epoch from 1 */
    double progress;                   /* 0..1 of the whole, by the nearest limit */
    double seconds, seconds_left;      /* < 0: unknown */
    double loss;                       /* mean per symbol since the last event of its kind */
    double guided_loss;                /* likewise of train.guided_alignment, per symbol that has links and without its weight; NAN: nothing is guided */
    double valid_loss, metric;         /* VALID */
    const char *metric_name;           /* "wer", or "loss" */
    double tokens_per_second;          /* source + target symbols */
    double rate;
} heed_event;

typedef struct heed_train_options {
    const char *recipe;                /* file */
    const char *const *sets; int set_count;     /* "train.rate=1e-3" */
    const char *dir;                   /* where the run lies; NULL: runs/NAME of the recipe */
    bool resume;
    int threads;                       /* 0: all cores */
    int64_t max_updates; double max_seconds;    /* 0: none; ends as done, can be resumed */
    const char *data_dir;              /* NULL: the environment's HEED_DATA */
    const char *init_from;             /* model directory whose vocabularies and weights are the first ones, as train.init_from; NULL: as the recipe says */
    bool (*stop)(void *user);          /* polled between updates; true: save and leave with HEED_E_STOPPED. NULL: never */
    void (*event)(void *user, const heed_event *e);   /* called on the calling thread. NULL: none */
    void *user;
} heed_train_options;

/* Trains until the recipe's or the options' limit. model_dir (heed_free) gets the path of the result, also with HEED_E_STOPPED when one exists. Errors: as in
 * heed/base.h; HEED_E_DIVERGED names op, layer, update and records. */
HEED_API heed_status heed_train(const heed_train_options *options, char **model_dir, heed_error *err);

/* What a training takes, found out without one: the corpus is passed once, the largest batches of an epoch and a sample of the others are learnt from for
 * real, a few seconds long, and forgotten. Writes nothing. */
typedef struct heed_forecast {
    int64_t parameters;                /* weights */
    int64_t peak_bytes;                /* the most memory the process will hold, validation and saving included */
    int64_t memory_bytes;              /* what this machine, its control groups and limits let a process have; 0: not known */
    int64_t pairs, symbols;            /* of an epoch: records, source + target symbols, each </s> counted */
    int64_t batches, updates;          /* of an epoch */
    double tokens_per_second;          /* source + target symbols, as in heed_event */
    double seconds_per_epoch;          /* without validation */
    double seconds;                    /* of the whole training, likewise, by the nearest limit of the recipe; < 0: it names no epochs, updates or seconds */
} heed_forecast;

/* Of the options, dir, resume, max_updates, max_seconds and event are not read. peak_bytes is of this process: ask in a fresh one. Errors as of heed_train(), and
 * HEED_E_LIMIT when the training will not fit into memory, told before it is tried where the weights alone, or the growth of a first batch, tell so. */
HEED_API heed_status heed_plan(const heed_train_options *options, heed_forecast *forecast, heed_error *err);

/* Where the time of an update goes, and how fast this machine could do the same: some updates of the training are run and timed, and forgotten; nothing is written. */
typedef struct heed_profile_part {
    const char *part;                  /* "products", "attention", "loss", "element-wise", "optimizer", "data", "waiting" or "other", in this order */
    const char *what;                  /* "256 x 128, forward": of a product with a weight [256,128]; "norm, backward" */
    double calls, seconds;             /* an update. Seconds of a clock on the wall: what threads do side by side is divided by their number */
    double flop, bytes;                /* an update: operations, a multiply-add is two; or bytes that must pass where arithmetic is slight. 0: not counted */
    const char *peak;                  /* what it is held to: "f32", "bf16", "near cache", "far cache", "memory" (by the bytes of a call); NULL: nothing */
    double of_peak;                    /* the share of it that is reached; NAN: held to nothing. Above 1 where bytes were in a nearer cache than their number tells */
    double limit;                      /* seconds an update that it would take at its peak; as it is where that is quicker or not known; waiting: 0 */
} heed_profile_part;

enum { HEED_PROFILE_LEVELS = 3 };
typedef struct heed_profile_reads { int64_t bytes; double rate; } heed_profile_reads;   /* GB/s (1e9 bytes) from blocks of so many bytes a thread */

typedef struct heed_profile {
    const heed_profile_part *parts; int count;   /* by part, the longest first; their seconds add up to those of an update */
    int threads;
    int64_t updates;                   /* that were timed */
    double seconds, symbols;           /* of an update: wall clock; source + target symbols */
    double ceiling;                    /* seconds of an update of which every part ran at its limit */
    double f32, bf16;                  /* measured peaks of all threads, GF/s; bf16 0: the processor has no instruction for it */
    heed_profile_reads reads[HEED_PROFILE_LEVELS];   /* near cache, far cache, memory */
    int64_t peak_bytes;                /* the most memory this process ever held up to then */
    void *owner;
} heed_profile;

/* Of the options, dir and resume are not read; max_updates: how many updates are timed, 0: those of max_seconds, which is 20 when it is 0. Errors as of
 * heed_train(). Free with heed_profile_free(), which takes NULL. */
HEED_API heed_profile *heed_bench(const heed_train_options *options, heed_error *err);
HEED_API void heed_profile_free(heed_profile *p);

/* --- looking at data ------------------------------------------------------------------------------------------------------------------------- */

typedef struct heed_check_options {
    const char *recipe;                /* file: its train, valid and test sets; NULL: */
    const char *train[2], *valid[2], *test[2];   /* source and target, or a TSV and NULL; valid and test both NULL: none */
    const char *const *sets; int set_count;      /* of the recipe, as in heed_train_options */
    const char *data_dir;              /* NULL: the environment's HEED_DATA */
    bool (*progress)(void *user, const char *set, int64_t records);   /* now and then; false: leave with HEED_E_STOPPED. NULL: none */
    void *user;
} heed_check_options;

enum { HEED_PLACES = 5 };
/* A record: its line, from 1; other: the earlier line that it repeats, or the line of the training data that it is found at, 0: none; text: what stands there,
 * shortened, made visible (<U+00A0>) and on one line, both sides with " ||| " between them where both matter; "" when the file cannot be read twice. */
typedef struct heed_place { int64_t line, other; const char *text; } heed_place;

typedef struct heed_finding {
    const char *name;                  /* "known_sources"; docs/data.md lists them */
    const char *set, *side;            /* "train", "valid", "test" or "test NAME"; "source", "target", "" for both */
    const char *what, *note, *advice;  /* "have a source that occurs in the training data"; "" or what else is to be known; what to do */
    int64_t count, of;                 /* records that have it, records of the set */
    bool serious;                      /* more than the share that docs/data.md gives */
    const heed_place *places; int place_count;   /* the first of them, at most HEED_PLACES */
} heed_finding;

typedef struct heed_checked_set { const char *name, *files; int64_t records; } heed_checked_set;   /* files: separated by spaces */

typedef struct heed_checked {
    const heed_checked_set *sets; int set_count;
    const heed_finding *findings; int count, serious;   /* by set, in a fixed order */
    const char *summary;               /* a sentence: what to do */
    void *owner;
} heed_checked;

/* Looks for what makes training data rubbish and test figures lies: records that repeat, test records that were trained on, and faults of texts. Texts are told apart
 * by numbers of 64 bits, so that among ten million lines three in a million times one is taken for a repetition that is none. Memory: about 50 bytes a training
 * record. The result is the caller's, heed_checked_free(). HEED_E_DATA: a file is missing, empty or damaged, sides of different length; HEED_E_USAGE: the recipe;
 * HEED_E_STOPPED; HEED_E_NOMEM. */
HEED_API heed_checked *heed_check_data(const heed_check_options *options, heed_error *err);
HEED_API void heed_checked_free(heed_checked *c);             /* NULL is fine */

/* --- scoring ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct heed_figure {
    char name[80];                     /* "bleu", "wer", "loss"; with a test set: "2016/bleu"; by length: "wer 1-10" */
    double value;
    bool interval;                     /* it was asked for: of corpora drawn anew from the lines (the bootstrap; Koehn 2004), 95 % have figures from low to high */
    double low, high;
    bool sides;                        /* the figure joins precision and recall, in percent; else they are 0 */
    double precision, recall;
    char signature[160];
} heed_figure;

typedef struct heed_score_options {
    bool lower;                        /* -lc */
    const char *tokenize;              /* --tok, NULL: the metric's default */
    const char *smooth;                /* --smooth: "exp", "floor", "add-k", "none" of bleu; NULL: "exp" */
    void (*line)(void *user, double value);     /* called with the figure of each line; NULL: none */
    void *user;
} heed_score_options;

/* Corpus figure of hypotheses (a file, or "-": standard input) against one or several references, line by line. HEED_E_DATA: files of unequal length (says
 * which ends at which line), not UTF-8; HEED_E_LIMIT: a line that would take minutes (file and line); HEED_E_USAGE: unknown metric, with the list; an
 * option that it does not take; more than 16 references. */
HEED_API heed_status heed_files_score(const char *metric, const char *const *references, int reference_count, const char *hypothesis, const heed_score_options *options,
                                heed_figure *figure, heed_error *err);

/* The alignment error rate (Och and Ney 2003), named "aer", of a file of links, words counted from 0, against one of gold links, words counted from gold_base:
 * 0 or 1, "1-1 2p3", sure i-j and possible ipj. Line by line; either may be "-". HEED_E_DATA: as heed_files_score(), or what is no link (file, line, place);
 * HEED_E_USAGE: another gold_base; HEED_E_NOMEM. */
HEED_API heed_status heed_links_score(const char *gold, const char *links, int gold_base, heed_figure *figure, heed_error *err);

typedef struct heed_compare_options {
    const char *metrics;               /* "bleu chrf++"; NULL: "bleu chrf ter" */
    bool lower;                        /* as in heed_score_options; */
    const char *tokenize, *smooth;     /* for those of the metrics that take them */
    bool randomisation;                /* p by approximate randomisation; else by the paired bootstrap */
    int64_t samples;                   /* draws; 0: 1,000, of randomisation 10,000 */
    uint64_t seed;                     /* 0: 12345 */
} heed_compare_options;

typedef struct heed_comparison {
    char metric[32];
    int system;                        /* from 0, the one that the others are compared with */
    double value;                      /* of the corpus */
    double mean, low, high;            /* of the corpora drawn, as many as samples (of randomisation 1,000): 95 % lie from low to high */
    double difference, p;              /* value less that of system 0, and how probable as much is between systems that are equally good; of system 0: 0, 1 */
    char signature[160];
} heed_comparison;

/* Compares files of hypotheses, systems [2..64], on the same references: lines are drawn from the corpus with replacement, for all systems the same (Koehn
 * 2004). *comparisons [*count] (heed_free()): metric by metric, in the order of systems. Memory: 4 bytes for each number counted of a line, 8 + 72 + 8 of
 * "bleu chrf ter" and as much for every system; time: samples x lines. HEED_E_USAGE: fewer than 2 systems, a metric or option; HEED_E_DATA, HEED_E_LIMIT: as
 * heed_files_score(); HEED_E_NOMEM. */
HEED_API heed_status heed_files_compare(const char *const *references, int reference_count, const char *const *systems, int system_count,
                                        const heed_compare_options *options, heed_comparison **comparisons, int *count, heed_error *err);

typedef struct heed_eval_options {
    const char *source, *target;       /* two files; target NULL: source is a TSV; both NULL: the test sets of the recipe */
    const char *set_name;              /* of the recipe's test sets, only this one; NULL: all */
    const int64_t *edges; int edge_count;       /* also by length of the source: bins 1..e0, e0+1..e1, ..., above the last; rising; NULL: none */
    bool words;                        /* lengths are words as white space parts them; else symbols */
    bool intervals;                    /* low and high of every figure, */
    int64_t samples; uint64_t seed;    /* from so many draws, 0: 1,000; 0: 12345. Cost: samples x lines, and 4 bytes for every number counted of a line */
    const char *data_dir;
    int64_t beam;                      /* as in heed_decode; 0: decode.beam of the model's recipe */
    const char *metrics;               /* "bleu wer", also loss and perplexity; NULL: loss, the recipe's metric, and the usual ones for the target's units; case does not count
                                          when the model writes lower case */
} heed_eval_options;

/* Figures in *figures (heed_free), *count of them. A TSV may have several reference columns after the source. A bin without records has no figure.
 * HEED_E_DATA: the files; HEED_E_LIMIT: a record too long to read; HEED_E_USAGE: no such metric or test set, a beam out of range; HEED_E_NOMEM. */
HEED_API heed_status heed_eval(heed_session *s, const heed_eval_options *options, heed_figure **figures, int *count, heed_error *err);

/* --- aligning -------------------------------------------------------------------------------------------------------------------------------- */

/* Which directions the built-in aligner learns: a target word chooses its source word, a source word its target word, or both ways joined. */
typedef enum heed_direction { HEED_DIRECTION_BOTH, HEED_DIRECTION_FORWARD, HEED_DIRECTION_REVERSE } heed_direction;

typedef struct heed_align_options {
    const char *source, *target;       /* files, plain or gzip: line N of one belongs to line N of the other */
    const heed_look *look;             /* NULL: heed_model_look() */
    heed_session *reverse;             /* of a model from target to source, whose links are joined to the others; NULL: none */
    const heed_look *reverse_look;     /* NULL: heed_model_look() of that model */
    heed_direction direction;          /* of the built-in aligner, */
    const char *const *more;           /* [more_count] files that it learns from beside the pairs: source and target by turns, */
    int more_count;
    int threads;                       /* and its threads, 0: all cores */
    const char *symmetrise;            /* how two directions are joined: "intersect", "union", "grow-diag"; of two models also "agree": words are linked where the
                                          geometric mean of both weights is `agreement` or more; NULL: "grow-diag-final-and" */
    double agreement;                  /* 0: 0.36 */
    const char *gold;                  /* file of the right links, "1-1 2p3": words from 1, sure i-j, possible ipj; NULL: nothing is scored */
    bool gold_swapped;                 /* its links are target-source */
    int64_t first, last;               /* lines that are scored, from 1; 0: from the first line, to the last */
    bool outside;                      /* those are left out and the others scored */
    bool (*answer)(void *user, const heed_reply *r, int64_t first);   /* pairs in order, round by round: output i is pair first + i, from 0; it has links and
                                          words, and from a model all that a forced target has. False: stop. NULL: pairs that are not scored are not aligned */
    void *user;
} heed_align_options;

/* Of the lines scored, in percent (Och and Ney 2003). */
typedef struct heed_align_figures { double aer, precision, recall; int64_t lines, sure, found; } heed_align_figures;
typedef struct heed_align_report {
    heed_align_figures links;              /* of the links given */
    bool joined;                           /* they were joined of two directions: */
    heed_align_figures forward, reverse;   /* of either alone */
} heed_align_report;

/* Links the words of two files, in memory that does not grow with them; s NULL: by no model but statistics of these very pairs (IBM model 1, then a hidden
 * Markov model), which are held. *report (may be NULL) is 0 without gold. HEED_E_USAGE: a model without attention, a look or a symmetry that does not exist;
 * HEED_E_DATA: files that cannot be read, are no text, of unequal length, gold that is none or lies outside the sentence (file, line, place);
 * HEED_E_LIMIT: a line too long; HEED_E_STOPPED: by answer; HEED_E_NOMEM. */
HEED_API heed_status heed_files_align(heed_session *s, const heed_align_options *options, heed_align_report *report, heed_error *err);

/* A shortlist for heed_model_options, made by statistics of pairs of texts in the model's symbols (as heed_files_align() without a model has them). */
typedef struct heed_shortlist_options { const char *source, *target, *out; int64_t best, frequent; int threads; } heed_shortlist_options;
typedef struct heed_shortlist_report { int64_t pairs, skipped; double covered, mean; } heed_shortlist_report;
/* Writes `out`: of each source symbol the `best` target symbols that it translates to (0: 50), and the `frequent` most frequent ones (0: 500), which may always be
 * written. Pairs of more than 1,000 symbols are skipped. *report (may be NULL): the share of the pairs' target symbols that the list has for their sources, and how many it
 * has for one in the mean. Errors as of heed_files_align(); HEED_E_USAGE: symbols with white space in them; HEED_E_IO. */
HEED_API heed_status heed_shortlist_make(const heed_model *m, const heed_shortlist_options *options, heed_shortlist_report *report, heed_error *err);

/* A way of taking links from a model, and how well it does. */
typedef struct heed_candidate {
    heed_look look;
    bool usual;                        /* the mean of the last layer's heads, each word's heaviest: what holds where nothing was chosen */
    heed_align_figures tuned, rest;    /* on lines first to last, and on the others */
} heed_candidate;

/* Tries every layer, every head and the mean of each layer's, both shifts, the heaviest word and several thresholds against gold, each with and without the empty word
 * where heed_model_look() has it; of the options look, reverse, direction, more, symmetrise, outside and answer are not read, and first and last both 0 are 1 and 100. *candidates [*count] (heed_free()): the lowest error rate on
 * the lines tuned first, of equals the simplest. Errors as of heed_files_align(); HEED_E_DATA: no sure link on the lines tuned. */
HEED_API heed_status heed_calibrate(heed_session *s, const heed_align_options *options, heed_candidate **candidates, int *count, heed_error *err);

/* --- what there is ------------------------------------------------------------------------------------------------------------------------------ */

/* Help that is made from the tables: "tasks" (and all that their models can be made of), "recipes" (every key), "parts", "scores", "metrics", "lenses"; heed_free(). HEED_E_USAGE: no such topic, with the list. */
HEED_API char *heed_help(const char *topic, heed_error *err);

/* The demo's data from the pronouncing dictionary, written into dir: phrases (train.tsv, valid.tsv, test-N.tsv of N words), both recipes
 * (attention.yaml, fixed.yaml), and single words (words-train.tsv, words-valid.tsv, words-first.tsv, and words-test.tsv with every listed
 * pronunciation in a column of its own). HEED_E_DATA: the dictionary; HEED_E_IO: the directory. */
typedef struct heed_demo_options {
    const char *dictionary;            /* cmudict.tsv.gz */
    const char *dir;
    uint64_t seed;
    int64_t updates;                   /* of either model; 0: the demo's own number */
    int64_t test_phrases;              /* a length; 0: 500 */
} heed_demo_options;
HEED_API heed_status heed_demo_prepare(const heed_demo_options *options, heed_error *err);

#ifdef __cplusplus
}
#endif
#endif
