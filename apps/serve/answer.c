/* Answers: answer.h. */
#define _GNU_SOURCE
#include "answer.h"
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/random.h>

void answer_free(answer *a)
{
    free(a->body);
    *a = (answer){0};
}

FILE *answer_begin(answer *a, const char *type)
{
    answer_free(a);
    a->type = type;
    FILE *f = open_memstream(&a->body, &a->size);
    if (!f)
        a->status = 503;
    return f;
}

void answer_end(answer *a, FILE *f)
{
    const bool good = !ferror(f);
    if (!a->status)
        a->status = 200;
    if (fclose(f) || !good) {
        answer_free(a);
        *a = (answer){.status = 503, .type = "application/json"};
    }
}

void answer_error(answer *a, unsigned status, const char *format, ...)
{
    char text[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    FILE *f = answer_begin(a, "application/json");
    a->status = status;
    if (!f)
        return;
    fprintf(f, "{\"status\": %u, \"error\": ", status);
    cli_print_json_text(text, f);
    fputs("}\n", f);
    answer_end(a, f);
}

void answer_status(answer *a, const heed_error *err)
{
    switch (err->status) {
    case HEED_E_DATA: case HEED_E_USAGE: answer_error(a, 400, "%s", err->text); return;
    case HEED_E_LIMIT: answer_error(a, 413, "%s", err->text); return;
    case HEED_E_NOMEM: answer_error(a, 503, "%s; try a shorter text, or later", err->text); return;
    case HEED_E_STOPPED: answer_error(a, 408, "%s", err->text); return;
    case HEED_OK: case HEED_E_IO: case HEED_E_MODEL: case HEED_E_DIVERGED: case HEED_E_SHAPE: break;
    }
    answer_error(a, 500, "%s", err->text);
}

bool answer_draw_nonce(char nonce[ANSWER_NONCE])
{
    unsigned char drawn[(ANSWER_NONCE - 1) / 2];
    if (getrandom(drawn, sizeof drawn, 0) != sizeof drawn)
        return false;
    for (size_t i = 0; i < sizeof drawn; i++)
        snprintf(nonce + 2 * i, 3, "%02x", drawn[i]);
    return true;
}
