/* heed_links_score: links between words against gold ones, in memory bounded by a line. Beside the metrics of text: what it reads is no text, and gold has
 * two kinds of links. */
#include <stdio.h>
#include <string.h>

#include "align/links.h"
#include "api/sides.h"
#include "heed.h"
#include "metric/metric.h"

enum { FOUND, GOLD, FILES };

typedef struct linked { heed_links found, sure, possible; heed_link_counts counts; int64_t lines; } linked;

static heed_status add_line(linked *l, heed_sides *s, int gold_base, heed_error *err)
{
    int side = FOUND;
    heed_status status = heed_links_parse(s->text[FOUND], strlen(s->text[FOUND]), 0, NULL, &l->found, NULL, err);
    if (status == HEED_OK) {
        side = GOLD;
        status = heed_links_parse(s->text[GOLD], strlen(s->text[GOLD]), gold_base, NULL, &l->sure, &l->possible, err);
    }
    if (status != HEED_OK) return heed_sides_refuse(s, side, err);
    heed_link_counts_add(&l->counts, &l->found, &l->sure, &l->possible);
    l->lines++;
    return HEED_OK;
}

static void put_figure(const linked *l, int gold_base, heed_figure *figure)
{
    *figure = (heed_figure){.name = "aer", .value = 100 * heed_link_counts_aer(&l->counts), .sides = true,
                            .precision = 100 * heed_link_counts_precision(&l->counts), .recall = 100 * heed_link_counts_recall(&l->counts)};
    snprintf(figure->signature, sizeof figure->signature, "lines:%lld|sure:%lld|links:%lld|gold:%d|heed:%d", (long long)l->lines,
             (long long)l->counts.sure, (long long)l->counts.found, gold_base, HEED_METRIC_VERSION);
}

heed_status heed_links_score(const char *gold, const char *links, int gold_base, heed_figure *figure, heed_error *err)
{
    heed_sides sides = {.count = 0};
    linked l = {.lines = 0};
    heed_error own = {.status = HEED_OK};
    bool end = false;
    if (!err) err = &own;
    if (gold_base < 0 || gold_base > 1) return heed_fail(err, HEED_E_USAGE, "words of gold links are counted from 0 or from 1, not from %d", gold_base);
    heed_sides_name(&sides, (const char *const[FILES]){links, gold}, FILES);
    heed_status status = heed_sides_open(&sides, err);
    while (status == HEED_OK) {
        status = heed_sides_next(&sides, &end, err);
        if (status != HEED_OK || end) break;
        status = add_line(&l, &sides, gold_base, err);
    }
    if (status == HEED_OK) put_figure(&l, gold_base, figure);
    heed_sides_close(&sides);
    heed_links_free(&l.found);
    heed_links_free(&l.sure);
    heed_links_free(&l.possible);
    return status;
}
