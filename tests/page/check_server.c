/* The page from a server: the form, and changes that are asked for on the spot. What the page shows is held against what the server says of the same change. */
#include "page/check.h"
#include "support/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char READY[] = "document.readyState === 'complete' && location.pathname === '/explain' && document.documentElement.dataset.ready === 'all'";

static void explain(run *r, const server *s, const char *text)
{
    char script[400];
    browser_visit(r->b, s->url);
    snprintf(script, sizeof script, "document.querySelector('textarea').value = %s, document.querySelector('button').click()", text);
    json_decref(browser_value(r->b, script));
    browser_wait(r->b, READY);
}

/* Every address that was asked for begins with the server's. */
static bool own(const run *r, const server *s)
{
    for (const char *at = browser_requests(r->b); *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, s->url, strlen(s->url))) return false;
    return true;
}

/* Chooses a change, asks for it, and holds the sum of its changes of ln p and both runs against the server's own words. */
static const char ASK[] =
    "(async (kind, set) => { const q = s => document.querySelector('#what-if ' + s), choose = (label, value) => { const e = q(`select[aria-label='${label}']`); e.value = value; "
    "e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); }; const count = document.querySelectorAll('#what-if [role=radio]').length; "
    "choose('change', kind); for (const [label, value] of Object.entries(set)) { if (label === 'text') { const e = q('input[aria-label=text]'); e.value = value; e.dispatchEvent(new Event('input', {bubbles: true})); } "
    "else if (label === 'weight') { q('.weights input').value = value; q('.weights input').dispatchEvent(new Event('input', {bubbles: true})); } else choose(label, value); } "
    "const is = /--what-if '([^']*)'/.exec(q('.command').textContent)[1], x = JSON.parse(document.getElementById('data').textContent); "
    "q('.go').click(); for (let i = 0; i < 2000 && q('.go').getAttribute('aria-disabled'); i++) await new Promise(done => setTimeout(done, 10)); "
    "const told = (await (await fetch('what-if', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({text: x.source, what_if: [is]})})).json()).what_if[0]; "
    "const runs = [...document.querySelectorAll('#what-if .run')], sum = told.change.reduce((a, b) => a + b, 0), said = +q('strong')?.textContent.replace('\u2212', '-').replace('+', ''); "
    "const written = runs[1].querySelector('.tokens').textContent.replace('\u220e', '').trim(); "
    "return document.querySelectorAll('#what-if [role=radio]').length === count + 1 && runs.length === 2 && runs[1].querySelector('h3').textContent === told.what && written === told.output.text && "
    "(told.change.length ? Math.abs(said - sum) < 0.0051 : !q('strong')) && q('.fail').hidden && is; })";

static void ask(run *r, const char *arguments, const char *is)
{
    char script[4000];
    snprintf(script, sizeof script, "%s(%s)", ASK, arguments);
    json_t *asked = browser_value(r->b, script);
    char *told = json_dumps(asked, JSON_ENCODE_ANY);
    check(r, json_is_string(asked) && !strcmp(json_string_value(asked), is), "a change is asked for and shown as the server computed it", is, told ? told : "");
    free(told);
    json_decref(asked);
}

static void check_changes(run *r, const server *s)
{
    explain(r, s, "'heed'");
    holds(r, "!document.querySelector('#what-if').hidden && document.querySelector('#what-if .go') && document.querySelectorAll('#what-if .run').length === 0", "the editor is there, and nothing changed yet", "server");
    ask(r, "'mask', {'source symbol': 1}", "mask:1");
    ask(r, "'edit', {'source symbol': 0, text: 'n'}", "edit:0=n");
    ask(r, "'edit', {'source symbol': 3, text: ''}", "edit:3=");
    ask(r, "'row', {'written symbol': 1, 'source symbol': 4}", "row:1=4");
    ask(r, "'weights', {'written symbol': 0, weight: 0}", "row:0=0,0.001,0,0,0");
    ask(r, "'head', {head: 'cross.0.0'}", "head:cross.0.0=off");
    ask(r, "'even', {head: 'cross.0.0'}", "head:cross.0.0=uniform");
    ask(r, "'prefix', {text: 'HH EH'}", "prefix=HH EH");
    ask(r, "'vector', {text: 'need'}", "vector=need");
    json_decref(browser_value(r->b, "document.querySelector('#what-if').scrollIntoView(), new Promise(done => setTimeout(done, 120))"));
    browser_picture(r->b, in(r, r->pictures, "server", "png"));
    holds(r, "document.documentElement.scrollWidth <= innerWidth", "nothing sticks out at the side", "server");
    json_decref(browser_value(r->b, "document.querySelector('#what-if select').value = 'edit', document.querySelector('#what-if select').dispatchEvent(new Event('input', {bubbles: true})), "
                                    "document.querySelector('#what-if input[aria-label=text]').value = '', document.querySelector('#what-if input[aria-label=text]').focus()"));
    press(r, "f Enter");
    browser_wait(r->b, "document.querySelectorAll('#what-if [role=radio]').length === 10 && !document.querySelector('#what-if .go').getAttribute('aria-disabled')");
    holds(r, "document.querySelector('#what-if [role=radio][aria-checked=true]').textContent.includes('\u201cf') || document.querySelector('#what-if [role=radio][aria-checked=true]').textContent.includes('\"f\"')",
          "Enter in the text asks", "server");
    holds(r, "[...document.querySelectorAll('#what-if input, #what-if select')].every(e => e.getAttribute('aria-label')) && document.querySelector('[role=status]').textContent.includes('ln p of what was first written')",
          "each field has a name, and the answer is said", "server");
    browser_view(r->b, 360, 780, false);
    json_decref(browser_value(r->b, "document.querySelector('#what-if select').value = 'weights', document.querySelector('#what-if select').dispatchEvent(new Event('input', {bubbles: true})), "
                                    "document.querySelector('#what-if .ask').scrollIntoView(), new Promise(done => setTimeout(done, 120))"));
    holds(r, "document.documentElement.scrollWidth <= innerWidth", "nothing sticks out at the side", "server, narrow");
    browser_picture(r->b, in(r, r->pictures, "server-narrow", "png"));
    browser_view(r->b, 1280, 900, false);
    check(r, own(r, s), "requests go to the server alone", "server", browser_requests(r->b));
    check(r, !*browser_complaints(r->b), "no error, and nothing that its policy forbids", "server", browser_complaints(r->b));
}

static void check_trouble(run *r, server *s)
{
    static const char GO[] = "document.querySelector('#what-if .go').click(), new Promise(done => { let left = 500; const look = () => document.querySelector('#what-if .fail').hidden && left-- ? setTimeout(look, 20) : done(); look(); })";
    json_decref(browser_value(r->b, "document.querySelector('#what-if select').value = 'prefix', document.querySelector('#what-if select').dispatchEvent(new Event('input', {bubbles: true})), "
                                    "document.querySelector('#what-if input[aria-label=text]').value = ''"));
    json_decref(browser_value(r->b, GO));
    holds(r, "document.querySelector('#what-if .fail').textContent === 'Write a text first.'", "a text that is missing is asked for", "server");
    json_decref(browser_value(r->b, "document.querySelector('#what-if select').value = 'weights', document.querySelectorAll('#what-if .weights input').forEach(e => { e.value = 0; }), "
                                    "document.querySelector('#what-if .fail').hidden = true"));
    json_decref(browser_value(r->b, GO));
    holds(r, "document.querySelector('#what-if .fail').textContent.includes('expected row:T=S')", "what the server refuses is told in its words", "server");
    explain(r, s, "'<img src=x onerror=hit()>'");
    holds(r, "!document.querySelector('img') && document.querySelector('h1').textContent.includes('<img') && document.scripts.length === 2", "a text that is HTML is a text", "server");
    check(r, server_stop(s) == 0, "the server ends with 0", "server", "");
    json_decref(browser_value(r->b, GO));
    holds(r, "document.querySelector('#what-if .fail').textContent.includes('does not answer')", "a server that is gone is told", "server");
}

void check_server(run *r)
{
    server s = server_start("models/g2p-en", "--threads 1");
    check_changes(r, &s);
    check_trouble(r, &s);
}
