/* What a record gave, as the JSON object that programs read (docs/contract.md). */
#include "explain/explain.h"

#include "explain/label.h"

static void add_choices(const heed_choice *choices, int64_t count, heed_buf *out)
{
    heed_buf_text(out, ", \"alternatives\": [");
    for (int64_t i = 0; i < count; i++) {
        heed_buf_text(out, i ? ", {\"text\": " : "{\"text\": ");
        heed_label_json(out, choices[i].text);
        heed_buf_text(out, ", \"logp\": ");
        heed_number_short(out, choices[i].logp, 8);
        heed_buf_char(out, '}');
    }
    heed_buf_char(out, ']');
}

/* of: the output that wrote them, NULL for a source. */
static void add_symbols(const heed_piece_of_text *symbols, int64_t count, const heed_output *of, heed_buf *out)
{
    heed_buf_char(out, '[');
    for (int64_t i = 0; i < count; i++) {
        const heed_piece_of_text *s = &symbols[i];
        heed_buf_text(out, i ? ", {\"text\": " : "{\"text\": ");
        heed_label_json(out, s->text);
        heed_buf_printf(out, ", \"start\": %lld, \"end\": %lld", (long long)s->start, (long long)s->end);
        if (of) {
            heed_buf_text(out, ", \"logp\": ");
            heed_number_short(out, s->logp, 8);
        }
        if (of && of->choices)
            add_choices(of->choices + i * of->choice_count, of->choice_count, out);
        heed_buf_char(out, '}');
    }
    heed_buf_char(out, ']');
}

static void add_words(const char *text, const heed_range *words, int64_t count, heed_buf *out)
{
    heed_buf_char(out, '[');
    for (int64_t i = 0; words && i < count; i++) {
        const size_t size = (size_t)(words[i].end - words[i].start);
        heed_buf_text(out, i ? ", {\"text\": " : "{\"text\": ");
        heed_label_json_part(out, text + words[i].start, size);
        heed_buf_printf(out, ", \"start\": %lld, \"end\": %lld}", (long long)words[i].start, (long long)words[i].end);
    }
    heed_buf_char(out, ']');
}

static void add_links(const heed_output *o, heed_buf *out)
{
    heed_buf_text(out, ", \"align\": [");
    for (int64_t i = 0; i < o->link_count; i++)
        heed_buf_printf(out, "%s[%lld, %lld]", i ? ", " : "", (long long)o->links[i].source, (long long)o->links[i].target);
    heed_buf_char(out, ']');
}

static void add_head(const heed_output *o, int64_t layer, int64_t head, heed_buf *out)
{
    const int64_t size = o->count * o->source_count;
    const float *weights = o->weights + (layer * o->heads + head) * size;
    heed_buf_printf(out, "{\"layer\": %lld, \"head\": %lld, \"rows\": %lld, \"columns\": %lld, \"data\": [", (long long)layer, (long long)head,
                    (long long)o->count, (long long)o->source_count);
    for (int64_t i = 0; i < size; i++) {
        if (i)
            heed_buf_text(out, ", ");
        heed_number_short(out, weights[i], 6);
    }
    heed_buf_text(out, "]}");
}

static void add_weights(const heed_output *o, heed_buf *out)
{
    heed_buf_text(out, ", \"weights\": [");
    for (int64_t i = 0; o->weights && i < o->layers * o->heads; i++) {
        if (i)
            heed_buf_text(out, ", ");
        add_head(o, i / o->heads, i % o->heads, out);
    }
    heed_buf_char(out, ']');
}

static void add_unmet(const heed_output *o, heed_buf *out)
{
    if (!o->unmet_count)
        return;
    heed_buf_text(out, ", \"unmet\": [");
    for (int64_t i = 0; i < o->unmet_count; i++) {
        heed_buf_text(out, i ? ", " : "");
        heed_label_json(out, o->unmet[i]);
    }
    heed_buf_char(out, ']');
}

void heed_json_output(const heed_output *o, bool weights, heed_buf *out)
{
    heed_buf_text(out, "{\"text\": ");
    heed_label_json(out, o->text);
    heed_buf_text(out, ", \"score\": ");
    heed_number_short(out, o->score, 8);
    add_unmet(o, out);
    heed_buf_text(out, ", \"tokens\": ");
    add_symbols(o->tokens, o->count, o, out);
    heed_buf_text(out, ", \"words\": ");
    add_words(o->text, o->target_ranges, o->target_words, out);
    add_links(o, out);
    if (weights)
        add_weights(o, out);
    heed_buf_char(out, '}');
}

void heed_json_members(const heed_output *o, int64_t id, bool weights, heed_buf *out)
{
    heed_buf_printf(out, "\"id\": %lld, \"source\": ", (long long)id);
    heed_label_json(out, o->source);
    heed_buf_text(out, ", \"source_tokens\": ");
    add_symbols(o->source_tokens, o->source_count, NULL, out);
    heed_buf_text(out, ", \"source_words\": ");
    add_words(o->source, o->source_ranges, o->source_words, out);
    heed_buf_text(out, ", \"outputs\": [");
    if (o->status == HEED_OK) {
        heed_json_output(o, weights, out);
        for (int64_t i = 0; i < o->alternative_count; i++) {
            heed_buf_text(out, ", ");
            heed_json_output(&o->alternatives[i], weights, out);
        }
    }
    heed_buf_char(out, ']');
    if (o->status != HEED_OK) {
        heed_buf_text(out, ", \"error\": ");
        heed_label_json(out, o->error);
    }
}

heed_status heed_explain_json(const heed_output *o, int64_t id, bool weights, heed_buf *out)
{
    heed_buf_char(out, '{');
    heed_json_members(o, id, weights, out);
    heed_buf_text(out, "}\n");
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
