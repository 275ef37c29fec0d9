/* alignment: the weights that links between words are made of, given back to the symbols of the words: summed over those of a source word, averaged over those
 * of a target word. </s> and what else belongs to no word stays as it is. */
#include <stdlib.h>
#include <string.h>

#include "explain/lens.h"

/* sum [T,words] of each target symbol over the symbols of a source word */
static void sum_words(const heed_lens_input *in, const float *scores, int64_t words, double *sum)
{
    for (int64_t t = 0; t < in->T; t++)
        for (int64_t s = 0; s < in->S; s++)
            if (in->source_word[s] >= 0) sum[t * words + in->source_word[s]] += (double)scores[t * in->S + s];
}

/* Words of neighbouring symbols: rows first .. end-1 belong to one target word. */
static void average(double *sum, int64_t words, int64_t first, int64_t end)
{
    for (int64_t w = 0; w < words; w++) {
        double mean = 0;
        for (int64_t t = first; t < end; t++) mean += sum[t * words + w] / (double)(end - first);
        for (int64_t t = first; t < end; t++) sum[t * words + w] = mean;
    }
}

heed_status heed_lens_alignment(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err)
{
    int64_t words = 0;
    (void)note;
    heed_status status = heed_lens_look(in, scores, err);
    if (status || !in->source_word || !in->target_word) return status;
    for (int64_t s = 0; s < in->S; s++) words = in->source_word[s] >= words ? in->source_word[s] + 1 : words;
    double *sum = calloc((size_t)(in->T * words) + 1, sizeof *sum);
    if (!sum) return heed_fail(err, HEED_E_NOMEM, "out of memory for a lens");
    sum_words(in, scores, words, sum);
    for (int64_t first = 0, end; first < in->T; first = end) {
        for (end = first + 1; end < in->T && in->target_word[first] >= 0 && in->target_word[end] == in->target_word[first];) end++;
        average(sum, words, first, end);
    }
    for (int64_t t = 0; t < in->T; t++)
        for (int64_t s = 0; s < in->S; s++)
            if (in->source_word[s] >= 0) scores[t * in->S + s] = (float)sum[t * words + in->source_word[s]];
    free(sum);
    return HEED_OK;
}
