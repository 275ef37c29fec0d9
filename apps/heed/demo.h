/* The parts of `heed demo`: where it lies, what it trained, what it shows. */
#ifndef HEED_CLI_DEMO_H
#define HEED_CLI_DEMO_H

#include "cli.h"

enum { DEMO_PATH = 4096, DEMO_POINTS = 512, DEMO_LENGTHS = 5, DEMO_MODELS = 2 };

/* Validation losses of one training. */
typedef struct demo_curve { double update[DEMO_POINTS], loss[DEMO_POINTS]; int64_t count; } demo_curve;

typedef struct demo {
    const cli_globals *globals;
    const char *dir;
    uint64_t seed;
    int64_t updates, test_phrases;
    char *model[DEMO_MODELS];                       /* paths */
    cli_open open[DEMO_MODELS];
    demo_curve curve[DEMO_MODELS];
    double rate[DEMO_MODELS][DEMO_LENGTHS];         /* phone error rate, percent */
    double letters[DEMO_LENGTHS];                   /* a phrase, mean */
    int64_t phrases[DEMO_LENGTHS];
} demo;

extern const char *const demo_names[DEMO_MODELS];   /* of the recipes: "fixed", "attention" */
extern const char *const demo_titles[DEMO_MODELS];
extern const int demo_words[DEMO_LENGTHS];          /* in a phrase: 1 2 3 4 6 */

/* demo_place.c. Calls give an exit, EXIT_OK to go on; what is wrong was said. */
int demo_path(char *out, const demo *d, const char *name);          /* DIR/name */
int demo_find_dictionary(char *out);
int demo_take_directory(const demo *d);                             /* a new one, or one that a demo made: then its runs are removed */

/* demo_show.c */
int demo_measure(demo *d);                                          /* rate, letters, phrases */
void demo_print_rates(const demo *d);
int demo_print_words(const demo *d);                                /* unseen words, both models beside the dictionary */
int demo_print_phrase(const demo *d, const char *phrase);           /* with the heat map */
int demo_write_charts(const demo *d, const char *phrase);
/* demo_page.c: page.html, after the lenses were judged, whose order is stored in the model; it is opened anew for that. */
int demo_write_page(demo *d, const char *phrase);

#endif
