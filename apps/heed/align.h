/* What the files of `heed align` share. */
#ifndef HEED_CLI_ALIGN_H
#define HEED_CLI_ALIGN_H

#include "cli.h"
#include "look.h"

typedef struct align_values {
    const char *output, *gold, *lines, *reverse, *direction, *symmetrise;
    double agreement;
    bool soft, json, swap, calibrate, statistical, quiet;
    cli_look look;
    cli_settings settings;
} align_values;

/* --calibrate: stores the best look in dir, the model's, and prints how well it and the others do. Gives the exit. */
int cli_calibrate(const align_values *v, const cli_open *open, const char *dir, heed_align_options *o);

#endif
