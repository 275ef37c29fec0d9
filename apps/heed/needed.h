/* What heed faithful --attention prints. */
#ifndef HEED_CLI_NEEDED_H
#define HEED_CLI_NEEDED_H

#include <heed.h>

void cli_print_needed(const heed_needed *n);
void cli_print_needed_json(const heed_needed *n);

#endif
