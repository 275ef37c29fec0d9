/* The two signals that end a training: stop.h. */
#include "stop.h"

#include <signal.h>
#include <stddef.h>

/* The one writable global of the program: a handler has no other way to tell. */
static volatile sig_atomic_t caught;

static void remember(int number)
{
    caught = number;
    signal(SIGINT, SIG_DFL);             /* so that the next one, of either kind, is not waited for */
    signal(SIGTERM, SIG_DFL);
}

void cli_stop_catch(void)
{
    struct sigaction action = {.sa_handler = remember, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_stop_asked(void *unused)
{
    (void)unused;
    return caught != 0;
}

int cli_stop_exit(void)
{
    return caught == SIGTERM ? 143 : 130;
}
