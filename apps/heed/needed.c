#include "needed.h"

#include "cli.h"
#include "progress.h"

#include <math.h>

/* --- text ------------------------------------------------------------------------------------------------------------------------------------------ */

static void print_cell(const heed_estimate *e, double scale, int places)
{
    char interval[60];
    snprintf(interval, sizeof interval, "%.*f to %.*f", places, scale * e->low, places, scale * e->high);
    printf(" %7.*f  %-16s", places, scale * e->value, interval);
}

static void print_row(const heed_attention_changed *c)
{
    printf("%-9s", heed_attention_change_name(c->change));
    print_cell(&c->loss, 1, 3);
    print_cell(&c->same, 100, 1);
    print_cell(&c->distance, 1, 3);
    print_cell(&c->median, 1, 3);
    printf(" %7.3f  %.3f to %.3f\n", c->divergence.value, c->divergence.low, c->divergence.high);
}

void cli_print_needed(const heed_needed *n)
{
    const char *const titles[] = {"-ln p", "same %", "distance", "median"};
    printf("%-9s", "attention");
    for (int i = 0; i < 4; i++) printf(" %8s %-16s", titles[i], "     95 %");
    printf(" %8s %s\n", "weights", "     95 %");
    printf("as it is   %7.3f  %.3f to %.3f\n", n->loss.value, n->loss.low, n->loss.high);
    for (int i = 0; i < n->count; i++) print_row(&n->changed[i]);
    char pairs[40], symbols[40];
    cli_count(pairs, sizeof pairs, n->pairs);
    cli_count(symbols, sizeof symbols, n->symbols);
    printf("\n%s pairs, %s symbols of their targets, %d layer%s of %d head%s changed", pairs, symbols, n->layers, n->layers > 1 ? "s" : "", n->heads,
           n->heads > 1 ? "s" : "");
    if (n->left_out) printf("; %lld pairs left out: empty or too long", (long long)n->left_out);
    puts("\nsame: the likeliest symbol is still the same; distance, median: how far the distribution has moved (total variation, 0 to 1);\n"
         "weights: how far the weights imposed are from the model's own (Jensen-Shannon divergence, 0 to 0.693)");
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------------------------- */

static void print_estimate(const char *name, const heed_estimate *e)
{
    if (!isfinite(e->value)) printf("\"%s\": null", name);
    else printf("\"%s\": [%.6g, %.6g, %.6g]", name, e->value, e->low, e->high);
}

void cli_print_needed_json(const heed_needed *n)
{
    printf("{\"pairs\": %lld, \"left_out\": %lld, \"symbols\": %lld, \"layers\": %d, \"heads\": %d, ", (long long)n->pairs, (long long)n->left_out,
           (long long)n->symbols, n->layers, n->heads);
    print_estimate("loss", &n->loss);
    fputs(", \"changes\": [", stdout);
    for (int i = 0; i < n->count; i++) {
        const heed_attention_changed *c = &n->changed[i];
        const heed_estimate *const of[] = {&c->loss, &c->same, &c->distance, &c->median, &c->divergence};
        const char *const names[] = {"loss", "same", "distance", "median", "divergence"};
        printf("%s{\"attention\": \"%s\"", i ? ", " : "", heed_attention_change_name(c->change));
        for (int k = 0; k < 5; k++) {
            fputs(", ", stdout);
            print_estimate(names[k], of[k]);
        }
        putchar('}');
    }
    puts("]}");
}
