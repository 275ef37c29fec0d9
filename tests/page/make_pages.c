/* Pages for the tests of the page: make_pages DIR writes each as DIR/NAME.html. */
#include "explain/page.h"
#include "page/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const story german = {.source = "Ein klein|er Hund läuft am Strand ent|lang und jagt einen rot|en Ball .", .target = "A small dog runs along the beach and chas|es a red ball .",
                             .links = "0-0 1-1 2-2 3-3 4-4 4-5 5-6 6-4 7-7 8-8 9-9 10-10 11-11 12-12", .seed = 5, .layers = 2, .heads = 4, .film = true, .beams = true, .what_if = true, .trust = true};
static const story arabic = {.source = "كلب صغير يركض على الشاطئ ويطارد كرة حمراء .", .target = "A small dog runs on the beach and chases a red ball .",
                             .links = "0-0 0-2 1-1 2-3 3-4 4-5 4-6 5-7 5-8 6-11 7-10 8-12", .seed = 6, .layers = 2, .heads = 4, .film = true, .beams = true, .what_if = true, .trust = true};
static const story japanese = {.source = "小さな|犬|が|浜辺|を|走|り|、|赤い|ボール|を|追い|かけ|る|。", .target = "A small dog runs along the beach and chases a red ball .", .links = "0-0", .seed = 7, .layers = 2, .heads = 4,
                               .film = true, .beams = true, .what_if = true, .trust = true};
static const story hebrew = {.source = "A small dog runs on the beach .", .target = "כלב קטן רץ על החוף .", .links = "0-0 1-1 2-0 3-2 4-3 5-4 6-4 7-5", .seed = 8, .layers = 2, .heads = 2, .trust = true};

static void write_page(const char *dir, const char *name, json_t *x, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.html", dir, name);
    char *json = x ? json_dumps(x, JSON_COMPACT | JSON_ENSURE_ASCII * !strcmp(name, "hostile")) : strdup(text);
    heed_buf page = {0};
    if (!json || heed_explain_page(json, strlen(json), NULL, &page) != HEED_OK) {
        fprintf(stderr, "%s: no page\n", name);
        exit(1);
    }
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(page.data, 1, page.size, f) != page.size || fclose(f)) {
        perror(path);
        exit(1);
    }
    heed_buf_free(&page);
    free(json);
    json_decref(x);
}

/* Every lens of the first story with numbers that are none, or too few, or no numbers at all. */
static json_t *damaged(void)
{
    json_t *x = story_explanation(&german), *lenses = json_object_get(x, "lenses");
    json_object_set_new(json_array_get(lenses, 0), "matrix", json_pack("{s:i, s:i, s:s, s:s}", "rows", 15, "cols", 17, "type", "f32", "data", "AAAA"));
    json_object_set_new(json_array_get(lenses, 1), "matrix", json_pack("{s:i, s:i, s:s, s:s}", "rows", 2, "cols", 2, "type", "f16", "data", "AAAAAAAAAAA="));
    json_object_set_new(json_array_get(lenses, 2), "matrix", json_null());
    float none[17 * 17];
    for (int i = 0; i < 17 * 17; i++) none[i] = i % 5 ? 0.1f * (float)(i % 7) : 0.0f / 0.0f;
    const json_int_t rows = (json_int_t)json_array_size(json_object_get(json_array_get(json_object_get(x, "outputs"), 0), "tokens"));
    const json_int_t cols = (json_int_t)json_array_size(json_object_get(x, "source_tokens"));
    json_object_set_new(json_array_get(lenses, 3), "matrix", story_matrix(none, rows, cols, true));
    return x;
}

/* As heed explain --film --json prints it. */
static const char film[] = "{\"film\": \"runs/roman/film.jsonl\", \"sentences\": [{\"sentence\": 0, \"line\": 4, \"source\": \"12\", \"reference\": \"XII\", \"read\": [\"1\", \"2\", \"</s>\"], "
                           "\"written\": [\"X\", \"I\", \"I\", \"</s>\"]}], \"frames\": [{\"update\": 0, \"epoch\": 1, \"looks\": [{\"sentence\": 0, \"entropy\": 1.1, \"share\": 0.3, \"output\": \"\", "
                           "\"weights\": [0.4, 0.3, 0.3, 0.4, 0.3, 0.3, 0.4, 0.3, 0.3, 0.4, 0.3, 0.3]}]}, {\"update\": 20, \"epoch\": 1, \"valid_loss\": 1.5, \"metric\": 12.5, \"metric_name\": \"accuracy\", "
                           "\"looks\": [{\"sentence\": 0, \"entropy\": 0.5, \"share\": 1, \"output\": \"XII\", \"weights\": [0.9, 0.1, 0, 0.1, 0.9, 0, 0, 0.9, 0.1, 0, 0, 1]}]}]}";

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: make_pages DIR\n", stderr);
        return 2;
    }
    const char *dir = argv[1];
    const story several[] = {german, arabic, japanese, hebrew};
    story fixed = german;
    fixed.layers = fixed.heads = 0;
    fixed.trust = fixed.film = fixed.beams = fixed.what_if = false;
    write_page(dir, "german", story_explanation(&german), NULL);
    write_page(dir, "arabic", story_explanation(&arabic), NULL);
    write_page(dir, "japanese", story_explanation(&japanese), NULL);
    write_page(dir, "hebrew", story_explanation(&hebrew), NULL);
    write_page(dir, "plain", story_plain(&german), NULL);
    write_page(dir, "fixed", story_explanation(&fixed), NULL);
    write_page(dir, "corpus", story_corpus(several, 4, 70, 11), NULL);
    write_page(dir, "hostile", story_hostile(3), NULL);
    write_page(dir, "damaged", damaged(), NULL);
    write_page(dir, "square512", story_square(512, 4, true, 1), NULL);
    write_page(dir, "square2048", story_square(2048, 4, true, 2), NULL);
    write_page(dir, "empty", json_pack("{s:s, s:[], s:[]}", "source", "", "source_tokens", "outputs"), NULL);
    write_page(dir, "film", NULL, film);
    write_page(dir, "broken", NULL, "{\"source\": \"cut o");
    write_page(dir, "newer", json_pack("{s:s, s:i}", "heed", "explanation", "version", 9), NULL);
    write_page(dir, "other", json_pack("{s:s}", "heed", "film"), NULL);
    return 0;
}
