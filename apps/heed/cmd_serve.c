/* heed serve: a model asked over HTTP. What it does is apps/serve. */
#include "cli.h"
#include "serve.h"

#include <stdlib.h>

typedef struct serve_values {
    const char *listen;
    cli_texts hosts;
    int64_t text, body, connections, queue, deadline;
    cli_settings settings;
} serve_values;

static const cli_option options[] = {
    {"--listen", "ADDRESS:PORT", CLI_TEXT, offsetof(serve_values, listen), "where to wait for requests; default 127.0.0.1:8080, which this machine alone reaches; port 0: a free one"},
    {"--host", "NAME", CLI_TEXTS, offsetof(serve_values, hosts), "a name by which it may be asked, besides localhost, 127.0.0.1 and [::1]; may be repeated. Default where others reach it: any"},
    {"--text", "BYTES", CLI_WHOLE, offsetof(serve_values, text), "the longest text; default 2000"},
    {"--body", "BYTES", CLI_WHOLE, offsetof(serve_values, body), "the longest body of a request; default 65536"},
    {"--connections", "N", CLI_WHOLE, offsetof(serve_values, connections), "connections held at a time; default 64"},
    {"--queue", "N", CLI_WHOLE, offsetof(serve_values, queue), "requests that wait for a worker at most; default 16"},
    {"--deadline", "SECONDS", CLI_WHOLE, offsetof(serve_values, deadline), "a request is answered by then, with 408 if it must be; default 30"},
    CLI_SETTINGS(serve_values),
    {0},
};

static const struct { const char *name; size_t at; int64_t usual, most; } limits[] = {
    {"--text", offsetof(serve_values, text), 2000, 1000000},       {"--body", offsetof(serve_values, body), 65536, 16777216},
    {"--connections", offsetof(serve_values, connections), 64, 10000}, {"--queue", offsetof(serve_values, queue), 16, 10000},
    {"--deadline", offsetof(serve_values, deadline), 30, 3600},
};

/* Defaults in the place of 0; -1, or the exit when one is too large. */
static int settle(serve_values *v)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        int64_t *value = (int64_t *)((char *)v + limits[i].at);
        if (*value > limits[i].most)
            return cli_usage_error("%s takes at most %lld", limits[i].name, (long long)limits[i].most);
        if (!*value)
            *value = limits[i].usual;
    }
    return -1;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    serve_values v = {.listen = "127.0.0.1:8080"};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, 1);
    if (code < 0)
        code = settle(&v);
    if (code >= 0)
        return code;
    heed_error err = {0};
    heed_model *m = cli_model_read(rest.items[0], &g, &v.settings, &err);
    if (!m)
        return cli_fail(&err);
    const serve_options o = {.model = m, .name = rest.items[0], .listen = v.listen, .hosts = v.hosts.items, .host_count = v.hosts.count, .workers = (int)g.threads,
                             .text = (size_t)v.text, .body = (size_t)v.body, .connections = (unsigned)v.connections, .queue = (int)v.queue,
                             .deadline = (double)v.deadline, .globals = &g};
    code = serve_run(&o);
    heed_model_close(m);
    return code;
}

const cli_command cli_serve = {
    .name = "serve", .arguments = "MODEL", .summary = "a model asked by browsers and programs: pages, lenses, what if",
    .text = "Waits for requests over HTTP until Ctrl-C or SIGTERM, then answers those that were begun and leaves. Prints its address on standard output.\n"
            "Each of --threads workers runs one request at a time; the model is held once.\n"
            "\n"
            "  GET  /           a form: a text, explained on a page whose \"What if\" can be asked on the spot\n"
            "  POST /explain    {\"text\", \"target\", \"lenses\", \"form\": \"page\" or \"json\", ...}: what explain writes\n"
            "  POST /what-if    {\"text\", \"target\", \"what_if\": [\"mask:0\", ...]}: both runs, and what becomes of ln p\n"
            "  GET  /health     that it is there, and how busy\n"
            "\n"
            "  heed serve models/g2p-en\n"
            "  heed serve models/g2p-en --listen 127.0.0.1:0 --threads 2\n"
            "  curl -d '{\"text\": \"heed\", \"what_if\": [\"mask:0\"]}' -H 'Content-Type: application/json' http://127.0.0.1:8080/what-if\n",
    .options = options, .run = run,
};
