/* heed_demo_prepare: the demo's task out of the pronouncing dictionary. Phrases of one to three words to learn from, of one to six words, none of
 * them seen in training, to be tested with; and two recipes that differ in nothing but attention. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "data/phrases.h"
#include "heed.h"

enum { PATH = 4096, TRAIN_WORDS = 240000, MOST_WORDS = 3, BATCH = 58, UPDATES = 2500, VALID_PHRASES = 120, TEST_PHRASES = 500 };

static heed_status write_recipe(const heed_demo_options *o, const char *name, const char *attention, heed_error *err)
{
    char path[PATH], file[32];
    heed_buf text = {0};
    const long long updates = o->updates ? o->updates : UPDATES;
    heed_buf_printf(&text,
                    "# Says phrases phone by phone, %s. Made by `heed demo`; train it with `heed train %s.yaml`.\n"
                    "task: transduce\n"
                    "data:\n"
                    "  train: [train.tsv]\n"
                    "  valid: [valid.tsv]\n"
                    "  shuffle_buffer: %d      # a batch: phrases of all lengths stay mixed in it\n"
                    "  test: {words-1: [test-1.tsv], words-2: [test-2.tsv], words-3: [test-3.tsv], words-4: [test-4.tsv], words-6: [test-6.tsv]}\n"
                    "text:\n"
                    "  source: {units: characters}\n"
                    "  target: {units: symbols}\n"
                    "model:\n"
                    "  encoder: {type: rnn, cell: gru, layers: 1, directions: 2, embed: 64, width: 128, dropout: 0}\n"
                    "  attention: %s\n"
                    "  decoder: {type: rnn, cell: gru, layers: 1, order: bahdanau, embed: 64, width: 128, dropout: 0}\n"
                    "train:\n"
                    "  batch: {sentences: %d}\n"
                    "  updates: %lld\n"
                    "  optimizer: {type: adam, rate: 2e-3}\n"
                    "  schedule: {type: linear, to: 0.05}\n"
                    "  clip: 1\n"
                    "  validate: {every: %lld, metric: loss, patience: 0}\n"
                    "  keep: 1\n"
                    "  seed: %llu\n"
                    "decode: {max_length: [2, 10]}\n",
                    name, name, BATCH, attention, BATCH, updates, updates >= 20 ? updates / 20 : 1, (unsigned long long)o->seed);
    snprintf(file, sizeof file, "%s.yaml", name);
    heed_status status = text.failed ? heed_fail(err, HEED_E_NOMEM, "out of memory for a recipe") : heed_path_join(path, sizeof path, o->dir, file, err);
    if (status == HEED_OK) status = heed_file_replace(path, text.data, text.size, err);
    heed_buf_free(&text);
    return status;
}

static heed_status write_valid(const heed_demo_options *o, const heed_phrases *p, heed_error *err)
{
    char path[PATH];
    heed_buf text = {0};
    for (int64_t words = 1; words <= MOST_WORDS; words++)
        for (uint64_t i = 0; i < VALID_PHRASES; i++) {
            heed_buf phones = {0};
            heed_phrases_draw(p, HEED_SPLIT_VALID, words, o->seed, i, &text, &phones);
            heed_buf_printf(&text, "\t%s\n", phones.data ? phones.data : "");
            text.failed = text.failed || phones.failed;
            heed_buf_free(&phones);
        }
    heed_status status = text.failed ? heed_fail(err, HEED_E_NOMEM, "out of memory for the phrases") : heed_path_join(path, sizeof path, o->dir, "valid.tsv", err);
    if (status == HEED_OK) status = heed_file_replace(path, text.data, text.size, err);
    heed_buf_free(&text);
    return status;
}

/* The test phrases are the same for every seed, so that seeds can be compared. */
static heed_status write_phrases(const heed_demo_options *o, const heed_phrases *p, heed_error *err)
{
    char path[PATH], file[32];
    heed_status status = heed_path_join(path, sizeof path, o->dir, "train.tsv", err);
    if (status == HEED_OK) status = heed_phrases_write_training(p, path, TRAIN_WORDS, MOST_WORDS, o->seed, err);
    if (status == HEED_OK) status = write_valid(o, p, err);
    for (int64_t words = 1; words <= 6 && status == HEED_OK; words++) {
        if (words == 5) continue;
        snprintf(file, sizeof file, "test-%d.tsv", (int)words);
        status = heed_path_join(path, sizeof path, o->dir, file, err);
        if (status == HEED_OK) status = heed_phrases_write_phrases(p, path, HEED_SPLIT_TEST, words, o->test_phrases ? o->test_phrases : TEST_PHRASES, 1, err);
    }
    return status;
}

/* Single words, for recipes/g2p-en: every pronunciation to learn from, the first one to validate with; a test word is right if any matches. */
static heed_status write_words(const heed_demo_options *o, const heed_phrases *p, heed_error *err)
{
    static const struct { heed_split split; const char *file; bool every; } sets[] = {
        {HEED_SPLIT_TRAIN, "words-train.tsv", true}, {HEED_SPLIT_VALID, "words-valid.tsv", false}, {HEED_SPLIT_TEST, "words-first.tsv", false}};
    char path[PATH], references[PATH];
    heed_status status = heed_path_join(references, sizeof references, o->dir, "words-test.tsv", err);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0] && status == HEED_OK; i++) {
        status = heed_path_join(path, sizeof path, o->dir, sets[i].file, err);
        if (status == HEED_OK)
            status = heed_phrases_write_words(p, path, sets[i].split == HEED_SPLIT_TEST ? references : NULL, sets[i].split, sets[i].every, err);
    }
    return status;
}

heed_status heed_demo_prepare(const heed_demo_options *options, heed_error *err)
{
    heed_status status = heed_dir_make(options->dir, err);
    heed_phrases *p = status == HEED_OK ? heed_phrases_open(options->dictionary, err) : NULL;
    if (status != HEED_OK || !p) return status != HEED_OK ? status : HEED_E_DATA;
    status = write_phrases(options, p, err);
    if (status == HEED_OK) status = write_words(options, p, err);
    if (status == HEED_OK) status = write_recipe(options, "attention", "{score: additive}", err);
    if (status == HEED_OK) status = write_recipe(options, "fixed", "{score: none, vector: every_step}", err);
    heed_phrases_close(p);
    return status;
}
