/* heed serve, from its options to its end: serve.h. */
#include "http.h"
#include "stop.h"

#include <signal.h>

int serve_run(const serve_options *o)
{
    heed_error err = {0};
    http *h = http_new(o, &err);
    if (!h)
        return cli_fail(&err);
    signal(SIGPIPE, SIG_IGN);
    cli_stop_catch();
    printf("%s\n", http_url(h));
    fflush(stdout);
    if (http_is_open(h) && !o->host_count)
        cli_say(o->globals, "heed: other machines reach this address, by any name and without a password; --host NAME admits one name alone");
    cli_say(o->globals, "%s is served; Ctrl-C ends", o->name);
    http_run(h, cli_stop_asked);
    http_free(h);
    return EXIT_OK;
}
