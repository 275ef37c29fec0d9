/* Explanations of other sizes and kinds: page/story.h. */
#include "page/story.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *tokens_of(const char *const *texts, int64_t count, json_t *joined)
{
    json_t *tokens = json_array();
    size_t at = 0, room = 1;
    for (int64_t i = 0; i < count; i++) room += strlen(texts[i]) + 1;
    char *text = calloc(room, 1);
    for (int64_t i = 0; i < count; i++) {
        const size_t size = strlen(texts[i]);
        json_array_append_new(tokens, json_pack("{s:s, s:I, s:I, s:f}", "text", texts[i], "start", (json_int_t)at, "end", (json_int_t)(at + size), "logp", -0.1 * (double)(i % 20)));
        memcpy(text + at, texts[i], size);
        at += size;
        text[at++] = ' ';
    }
    json_string_set(joined, text);
    free(text);
    return tokens;
}

/* As many symbols on both sides, and so many lenses of equal rank. */
static json_t *square(const char *const *source, const char *const *target, int64_t n, int lenses, bool half, uint64_t *state)
{
    json_t *from = json_string(""), *to = json_string(""), *read = tokens_of(source, n, from), *written = tokens_of(target, n, to), *list = json_array();
    float *values = malloc((size_t)(n * n) * sizeof *values);
    for (int l = 0; l < lenses; l++) {
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) values[i * n + j] = (float)((l % 2 ? story_random(state) - 0.5 : 0.2 * story_random(state)) / (1 + 0.2 * (double)llabs(i - j)));
        char name[40];
        snprintf(name, sizeof name, "lens-%d", l);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", name, "title", name, "sentence", "Made up.", "signed", l % 2, "matrix", story_matrix(values, n, n, half)));
    }
    free(values);
    return json_pack("{s:s, s:i, s:{s:s}, s:o, s:o, s:[{s:o, s:f, s:o}], s:o}", "heed", "explanation", "version", 1, "model", "name", "made-up", "source", from, "source_tokens", read, "outputs",
                     "text", to, "score", -1.0, "tokens", written, "lenses", list);
}

json_t *story_square(int64_t symbols, int lenses, bool half, uint64_t seed)
{
    static const char *const syllables[] = {"ka", "to", "mi", "re", "su", "no", "wa", "li", "en", "da"};
    char (*texts)[12] = calloc((size_t)symbols, sizeof *texts);
    const char **list = calloc((size_t)symbols, sizeof *list);
    for (int64_t i = 0; i < symbols; i++) {
        snprintf(texts[i], sizeof *texts, "%s%s%s", syllables[i * 7 % 10], i % 3 ? syllables[i * 3 % 10] : "", i % 3 > 1 ? syllables[i % 10] : "");
        list[i] = texts[i];
    }
    json_t *x = square(list, list, symbols, lenses, half, &seed);
    free(list);
    free(texts);
    return x;
}

static const char *const seeds_of_evil[] = {
    "<script>alert(%d)</script>", "</script><script>hit(%d)</script>", "<img src=x%d onerror=hit()>", "\"><svg onload=hit(%d)>", "javascript:hit(%d)", "<!-- %d", "--> %d", "<![CDATA[%d]]>",
    "'+hit(%d)+'", "${hit(%d)}", "{{hit(%d)}}", "`hit%d`", "\\u003cb\\u003e%d", "&lt;b&gt;%d&amp;", "%%3Cscript%%3E%d", "\u202Ereversed%d", "\u2066isolate%d", "line\u2028break%d", "a\nb\t%d\r",
    "\001\002\033[31m%d", "\\u0000%d", "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301%d", "\u0645\u0631\u062D\u0628\u0627%d", "\U0001F468\u200D\U0001F469\u200D\U0001F467%d",
    "\uFEFFbom%d", "=cmd|'/c calc'!A%d", "+1+%d", "@SUM(%d)", "-2+%d", "\\input{/etc/passwd%d}", "$\\immediate\\write18{%d}$", "100%%_#&~^\\{}%d", "<iframe srcdoc=%d>", "</style><b>%d",
    "</title>%d", "<style>*{display:none}</style>%d", "<base href=//evil.example/%d>", "<meta http-equiv=refresh content=0;url=//evil.example/%d>", "<link rel=stylesheet href=//evil.example/%d>",
    "url(//evil.example/%d)", "__proto__", "constructor", "toString", "hasOwnProperty", "<template>%d</template>", "<noscript>%d", "<textarea>%d", "<xmp>%d", "NaN", "null",
};

json_t *story_hostile(uint64_t seed)
{
    enum { COUNT = 500, KINDS = sizeof seeds_of_evil / sizeof *seeds_of_evil, LONG = 20000 };
    const char *source[COUNT], *target[COUNT];
    char *texts = calloc(COUNT, 160), *longest = malloc(LONG + 1);
    memset(longest, 'A', LONG);
    longest[LONG] = 0;
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts + i * 160, 160, seeds_of_evil[i % KINDS], i);
        source[i] = texts + i * 160;
        target[COUNT - 1 - i] = i % KINDS == 7 ? "" : source[i];
    }
    source[499] = longest;
    json_t *x = square(source, target, COUNT, 2, true, &seed), *name = json_string(texts + 160);
    json_object_set(json_object_get(x, "model"), "name", name);
    json_object_set(json_array_get(json_object_get(x, "lenses"), 0), "title", name);
    json_object_set(json_array_get(json_object_get(x, "lenses"), 0), "sentence", name);
    json_t *nodes = json_array(), *change = json_array();
    for (int i = 0; i < COUNT; i++) {
        json_array_append_new(nodes, json_pack("{s:i, s:i, s:s, s:f, s:f, s:i, s:s}", "id", i, "parent", i ? (i - 1) / 3 : -1, "text", source[i], "logp", -0.5, "score", -0.5, "step", i / 40, "state", source[i]));
        json_array_append_new(change, json_real(-0.1));
    }
    json_object_set_new(x, "beams", json_pack("{s:o}", "nodes", nodes));
    json_object_set_new(x, "what_if", json_pack("[{s:O, s:O, s:o}]", "what", name, "output", json_array_get(json_object_get(x, "outputs"), 0), "change", change));
    json_object_set_new(x, "gold", json_pack("[[i,i],[i,i],[s,s],i]", 0, 0, 100000, -5, "a", "b", 7));
    json_decref(name);
    free(texts);
    free(longest);
    return x;
}

json_t *story_corpus(const story *of, int stories, int items, uint64_t seed)
{
    json_t *list = json_array();
    for (int i = 0; i < 2 * items; i++) {
        story s = of[i / 2 % stories];
        s.seed = seed + (uint64_t)i;
        s.trust = true;
        s.film = s.beams = s.what_if = false;
        json_t *x = story_explanation(&s), *output = json_array_get(json_object_get(x, "outputs"), 0);
        json_object_set_new(x, "id", json_integer(i / 2));
        json_object_set_new(x, "model", json_integer(i % 2));
        json_object_set_new(output, "score", json_real(-1 - 12 * story_random(&seed)));
        json_object_set_new(x, "metrics", json_pack("{s:f}", "chrF", 20 + 70 * story_random(&seed)));
        json_object_set(x, "reference", json_object_get(output, "text"));
        json_array_append_new(list, x);
    }
    json_t *found = json_pack("[{s:s, s:[f,f,f], s:b, s:i}, {s:s, s:[f,f,f], s:b, s:i}, {s:s, s:n, s:b}]", "lens", "leave-one-out", "gain", 0.256, 0.25, 0.262, "passed", 1, "pairs", 1000, "lens", "weights",
                              "gain", 0.031, -0.01, 0.072, "passed", 0, "pairs", 1000, "lens", "norms", "gain", "passed", 0);
    json_object_set_new(json_object_get(json_array_get(list, 3), "trust"), "faithful", found);
    return json_pack("{s:s, s:i, s:[s,s], s:o, s:{s:s}}", "heed", "corpus", "version", 1, "models", "bahdanau-1", "transformer-2", "items", list, "summary", "note",
                     "Intervals hold 95 % of 1,000 resamplings of the sentences.");
}

json_t *story_plain(const story *s)
{
    json_t *x = story_explanation(s);
    json_object_del(x, "lenses");
    json_object_del(x, "heads");
    json_object_del(x, "gold");
    return x;
}
