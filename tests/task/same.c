#include "task/same.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void same_pieces(const heed_piece_of_text *a, const heed_piece_of_text *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        assert_string_equal(a[i].text, b[i].text);
        assert_int_equal(a[i].start, b[i].start);
        assert_int_equal(a[i].end, b[i].end);
        assert_memory_equal(&a[i].logp, &b[i].logp, sizeof a[i].logp);
    }
}

static void same_floats(const float *a, const float *b, int64_t n)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a) assert_memory_equal(a, b, (size_t)n * sizeof *a);
}

void same_output(const heed_output *a, const heed_output *b, bool weights)
{
    assert_int_equal(a->status, b->status);
    assert_string_equal(a->source, b->source);
    assert_string_equal(a->text, b->text);
    if (a->status) assert_string_equal(a->error, b->error);
    assert_memory_equal(&a->score, &b->score, sizeof a->score);
    assert_int_equal(a->source_count, b->source_count);
    assert_int_equal(a->count, b->count);
    same_pieces(a->source_tokens, b->source_tokens, a->source_count);
    same_pieces(a->tokens, b->tokens, a->count);
    assert_int_equal(a->link_count, b->link_count);
    for (int64_t i = 0; i < a->link_count; i++) assert_memory_equal(&a->links[i], &b->links[i], sizeof a->links[i]);
    assert_int_equal(a->source_words, b->source_words);
    assert_int_equal(a->target_words, b->target_words);
    same_floats(a->word_weights, b->word_weights, a->source_words * a->target_words);
    same_floats(a->empty_weights, b->empty_weights, a->target_words);
    assert_int_equal(a->layers, b->layers);
    assert_int_equal(a->heads, b->heads);
    if (weights) same_floats(a->shown, b->shown, a->count * a->source_count);
    if (weights) same_floats(a->weights, b->weights, a->layers * a->heads * a->count * a->source_count);
    assert_int_equal(a->unmet_count, b->unmet_count);
    for (int64_t i = 0; i < a->unmet_count; i++) assert_string_equal(a->unmet[i], b->unmet[i]);
    assert_int_equal(a->choice_count, b->choice_count);
    for (int64_t i = 0; i < a->count * a->choice_count; i++) {
        assert_string_equal(a->choices[i].text, b->choices[i].text);
        assert_memory_equal(&a->choices[i].logp, &b->choices[i].logp, sizeof a->choices[i].logp);
    }
    assert_int_equal(a->alternative_count, b->alternative_count);
    for (int64_t i = 0; i < a->alternative_count; i++) same_output(&a->alternatives[i], &b->alternatives[i], weights);
}
