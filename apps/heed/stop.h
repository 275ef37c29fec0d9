/* Ctrl-C and SIGTERM: the first asks a training to save and leave, the second ends the process at once. */
#ifndef HEED_CLI_STOP_H
#define HEED_CLI_STOP_H

#include <stdbool.h>

void cli_stop_catch(void);
bool cli_stop_asked(void *unused);       /* fits heed_train_options.stop */
int cli_stop_exit(void);                 /* 130 or 143, by the signal that came */

#endif
