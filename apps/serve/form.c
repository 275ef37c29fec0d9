/* The page of GET /: a form that asks for an explanation. It has no script. */
#include "routes.h"

#include <string.h>

static const char style[] =
    ":root{--ground:#fff;--ink:#16181d;--dim:#5a606b;--rule:#9aa1ab;--accent:#0a57a4;color-scheme:light dark}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#121419;--ink:#e8eaed;--dim:#a3a9b4;--rule:#5d646f;--accent:#7db9f7}}\n"
    "body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}main{max-width:640px;margin:0 auto;padding:48px 20px}\n"
    "h1{font-size:20px;font-weight:650;margin:0 0 4px}p{margin:0 0 20px;color:var(--dim)}label{display:block;margin:0 0 16px}\n"
    "textarea,input{display:block;box-sizing:border-box;width:100%;margin-top:4px;padding:8px 10px;font:inherit;color:inherit;background:none;border:1px solid var(--rule);border-radius:4px}\n"
    "button{font:inherit;padding:6px 16px;border:1px solid var(--accent);border-radius:4px;color:var(--accent);background:none;cursor:pointer}\n"
    ":focus-visible{outline:2px solid var(--accent);outline-offset:2px}code{font-size:.92em}\n";

static void print_escaped(const char *text, FILE *f)
{
    for (; *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '&': fputs("&amp;", f); break;
        case '"': fputs("&quot;", f); break;
        default: fputc(*text, f);
        }
}

void form_show(const serve_options *o, const crew_state *state, answer *a)
{
    (void)state;
    char nonce[ANSWER_NONCE];
    if (!answer_draw_nonce(nonce)) {
        answer_error(a, 500, "the system gives no random numbers");
        return;
    }
    FILE *f = answer_begin(a, "text/html; charset=utf-8");
    if (!f)
        return;
    fprintf(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<title>heed</title>\n<style nonce=\"%s\">\n%s</style>\n</head>\n<body>\n<main>\n<h1>What did it look at?</h1>\n<p>", nonce, style);
    print_escaped(o->name, f);
    fprintf(f, "</p>\n<form method=\"post\" action=\"explain\" accept-charset=\"utf-8\">\n"
               "<label>Text <textarea name=\"text\" rows=\"3\" maxlength=\"%zu\" required autofocus dir=\"auto\"></textarea></label>\n"
               "<label>Explain this output, not the model's own (may be empty) <input name=\"target\" maxlength=\"%zu\" dir=\"auto\" autocomplete=\"off\"></label>\n"
               "<button>Explain</button>\n</form>\n</main>\n</body>\n</html>\n", o->text, o->text);
    answer_end(a, f);
    memcpy(a->nonce, nonce, sizeof nonce);
}
