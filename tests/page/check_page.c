/* The page of explanations in a browser: check_page PAGES PICTURES, where make_pages wrote PAGES and pictures and saved files go to PICTURES. Prints its figures, what failed, and how many checks held. */
#include "explain/page_text.h"
#include "page/check.h"
#include "support/xml.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_page(run *r, const char *name) { browser_load(r->b, in(r, r->pages, name, "html")); }

/* --- pages of all kinds ------------------------------------------------------------------------------------------------------------------------- */
static void check_words(run *r)
{
    static const char *const says[][2] = {{"broken", "cannot be read"}, {"newer", "version 9"}, {"other", "of another kind"}, {"empty", "Nothing was written"}, {"fixed", "looks at nothing"}, {"damaged", "left out"}};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        char expression[256];
        open_page(r, says[i][0]);
        snprintf(expression, sizeof expression, "[...document.querySelectorAll('.notice')].some(n => !n.hidden && n.textContent.includes('%s'))", says[i][1]);
        holds(r, expression, "says what is wrong", says[i][0]);
        quiet(r, says[i][0]);
    }
}

static void check_pictures(run *r)
{
    static const struct { const char *page, *picture; int width, height; bool dark; const char *first; } views[] = {
        {"german", "light", 1280, 900, false, ""}, {"german", "dark", 1280, 900, true, ""}, {"german", "narrow", 360, 780, false, ""}, {"german", "narrow-dark", 360, 780, true, ""}, {"arabic", "arabic", 1280, 900, false, ""},
        {"hebrew", "hebrew", 900, 800, false, ""}, {"japanese", "japanese", 1280, 900, false, ""}, {"plain", "plain", 1280, 900, false, ""}, {"corpus", "corpus", 1280, 900, false, ""}, {"corpus", "corpus-narrow", 360, 780, false, ""},
        {"hostile", "hostile", 1280, 900, false, ""}, {"square512", "square512", 1280, 900, false, ""}, {"damaged", "damaged", 1280, 900, true, ""}, {"fixed", "fixed", 1280, 900, false, ""},
        {"german", "pinned", 1280, 900, false, "document.querySelectorAll('.tokens')[1].children[7].click(), document.querySelectorAll('.tokens')[1].children[8].click()"},
        {"german", "words-dark", 1280, 900, true, "document.querySelectorAll('.controls .toggle')[0].click(), document.querySelectorAll('.controls .toggle')[1].click()"},
        {"german", "head", 1280, 900, false, "document.querySelectorAll('#heads .head')[9].click()"},
    };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        browser_view(r->b, views[i].width, views[i].height, views[i].dark);
        open_page(r, views[i].page);
        if (*views[i].first) json_decref(browser_value(r->b, views[i].first));
        json_decref(browser_value(r->b, "scrollTo(0, 0), new Promise(done => setTimeout(done, 120))"));
        holds(r, "document.documentElement.scrollWidth <= innerWidth", "nothing sticks out at the side", views[i].picture);
        browser_picture(r->b, in(r, r->pictures, views[i].picture, "png"));
        quiet(r, views[i].picture);
    }
    browser_view(r->b, 1280, 900, false);
}

static void check_hostile(run *r)
{
    open_page(r, "hostile");
    json_decref(browser_value(r->b, "document.querySelectorAll('details').forEach(d => { d.open = true; }), document.querySelectorAll('.token')[3].click(), new Promise(done => setTimeout(done, 200))"));
    holds(r, "typeof hit === 'undefined' && document.scripts.length === 2 && document.querySelectorAll('style').length === 1", "no symbol of 500 hostile ones runs", "hostile");
    holds(r, "!document.querySelector('img, iframe, object, embed, link, base, form, template, textarea, xmp, [onerror], [onload], [srcdoc]') && document.querySelectorAll('meta').length === 5", "none becomes an element", "hostile");
    holds(r, "document.querySelectorAll('.tokens')[0].querySelectorAll('.token').length === 500 && [...document.querySelectorAll('.token')].every(t => !t.children.length && t.textContent)", "each is one text", "hostile");
    holds(r, "[...document.querySelectorAll('.token')].some(t => t.textContent.startsWith('<script>alert(')) && !/[\\u0000-\\u0009\\u000b-\\u001f\\u202e\\u2066\\u2028]/.test(document.querySelector('main').textContent)",
          "marks of direction and control characters are shown, not obeyed", "hostile");
    holds(r, "Object.getPrototypeOf({}) === Object.prototype && {}.hit === undefined && document.title.length < 100", "names of objects are only texts", "hostile");
    quiet(r, "hostile");
}

/* Halves as the browser itself reads them, beside what the page says. */
static const char NUMBERS[] =
    "(async () => { const x = JSON.parse(document.getElementById('data').textContent), of = m => { const b = Uint8Array.from(atob(m.data), c => c.charCodeAt(0)), v = new DataView(b.buffer); "
    "return (r, c) => m.type === 'f16' ? v.getFloat16(2 * (r * m.cols + c), true) : v.getFloat32(4 * (r * m.cols + c), true); }, near = (a, b) => Math.abs(a - b) <= 0.0051 * Math.max(1, Math.abs(b)); "
    "const told = () => [...document.querySelectorAll('.bars li:not([hidden])')].map(li => [li.querySelector('.who').textContent, +li.querySelector('.value').textContent.replace('\u2212', '-').replace('+', '')]); "
    "let good = true; for (const [k, lens] of x.lenses.entries()) { document.querySelectorAll('.lenses [role=radio]')[k].click(); const at = of(lens.matrix), read = x.source_tokens.map(t => t.text); "
    "const tokens = document.querySelectorAll('.tokens')[1].querySelectorAll('.token'); tokens[7].click(); tokens[9].click(); const list = told(); good &&= list.length === 8; "
    "for (const [who, value] of list) { const c = read.indexOf(who === '\u220e' ? '</s>' : who); good &&= near(value, at(7, c) + at(9, c)); } tokens[7].click(); tokens[9].click(); } return good; })()";

static void check_numbers(run *r)
{
    open_page(r, "german");
    holds(r, NUMBERS, "for each lens the numbers of two pinned symbols are the sums of the data", "german");
    quiet(r, "numbers");
    json_decref(browser_value(r->b, "document.querySelectorAll('.lenses [role=radio]')[2].click(), document.querySelector('.trust-more button').click()"));
    holds(r, "document.querySelectorAll('.token.pinned').length === 1 && document.querySelector('.trust-more button').textContent.startsWith(document.querySelector('.token.pinned').textContent + ':')",
          "where a lens points elsewhere than leaving out is told, and can be pinned", "german");
    open_page(r, "film");
    holds(r, "document.querySelectorAll('#film .head').length === 2 && document.querySelector('#matrix h2').textContent === 'Weights' && document.querySelectorAll('.token').length === 7", "a film of a training is shown", "film");
    json_decref(browser_value(r->b, "document.querySelector('#film .head').click()"));
    holds(r, "document.querySelector('#matrix h2').textContent === 'Update 0'", "a frame of it can be seen in the large matrix", "film");
    open_page(r, "corpus");
    holds(r, "(rows => rows.length === 50 && rows.every((v, i) => !i || rows[i - 1] <= v))([...document.querySelectorAll('.corpus tbody tr')].map(tr => +tr.cells[1].textContent))", "a corpus has the worst first", "corpus");
    holds(r, "(t => t.length === 3 && t[1].includes('0.256') && t[1].includes('passed') && t[2].includes('failed'))([...document.querySelectorAll('.summary table')[0].rows].map(row => row.textContent)) && "
             "document.querySelector('.summary h3').textContent.endsWith('transformer-2')", "which lens to trust is told of the model that was measured, of lenses that were", "corpus");
    json_decref(browser_value(r->b, "document.querySelectorAll('.corpus .link')[7].click()"));
    holds(r, "document.querySelectorAll('.corpus tbody tr')[7].className === 'this' && document.querySelectorAll('#corpus .run').length === 2", "two models stand beside each other", "corpus");
    quiet(r, "corpus");
}

/* --- keys --------------------------------------------------------------------------------------------------------------------------------------- */
static const char FOCUS[] = "(() => { const a = document.activeElement, s = getComputedStyle(a); return a === document.body ? null : {tag: a.tagName + (a.id ? '#' + a.id : '') + '.' + a.getAttribute('class'), "
                            "name: (a.getAttribute('aria-label') || a.textContent || a.title || '').trim().slice(0, 80), ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1, "
                            "section: a.closest('section[id], .work')?.id || ''}; })()";

static void walk(run *r)
{
    int stops = 0, nameless = 0, ringless = 0;
    char places[4096] = "", last[512] = "";
    for (; stops < 400; stops++) {
        browser_key(r->b, "Tab", false);
        json_t *at = browser_value(r->b, FOCUS);
        if (!json_is_object(at)) {
            json_decref(at);
            break;
        }
        const char *name = json_string_value(json_object_get(at, "name")), *section = json_string_value(json_object_get(at, "section"));
        nameless += !*name;
        ringless += !json_is_true(json_object_get(at, "ring"));
        if (!*name || !json_is_true(json_object_get(at, "ring"))) snprintf(last, sizeof last, "%s %s", json_string_value(json_object_get(at, "tag")), name);
        if (*section && !strstr(places, section) && strlen(places) + strlen(section) + 2 < sizeof places) snprintf(places + strlen(places), sizeof places - strlen(places), "%s ", section);
        json_decref(at);
    }
    char told[5000];
    snprintf(told, sizeof told, "%d stops, %d without a name, %d without a ring (%s); reached %s", stops, nameless, ringless, last, places);
    static const char *const all[] = {"matrix", "trust", "heads", "what-if", "search", "film"};
    bool reached = true;
    for (size_t i = 0; i < 6; i++) reached &= strstr(places, all[i]) != NULL;
    check(r, stops > 20 && stops < 400 && !nameless && !ringless && reached, "Tab goes through every part; each stop has a name and can be seen", "german", told);
}

static void check_keys(run *r)
{
    static const struct { const char *keys, *then, *name; } steps[] = {
        {"1", "document.querySelector('#matrix h2').textContent === 'Weights'", "a digit chooses a lens"},
        {"]", "document.querySelector('#matrix h2').textContent === 'Weights \\u00d7 norms'", "a bracket goes to the next"},
        {"m", "document.activeElement.className.includes('holder')", "m goes to the matrix"},
        {"ArrowDown ArrowDown ArrowRight", "document.querySelector('.reading .away').textContent.startsWith('small, klein')", "arrow keys walk over cells, which are said"},
        {"Enter", "document.querySelectorAll('.token.pinned').length === 1 && document.querySelector('.token.pinned').textContent === 'small'", "Enter pins a row"},
        {"ArrowDown ^Enter", "document.querySelectorAll('.token.pinned').length === 2", "Shift and Enter pin a column"},
        {"+ +", "document.querySelector('.holder').className.includes('zoomed')", "plus zooms"},
        {"End Home 0", "!document.querySelector('.holder').className.includes('zoomed')", "0 shows all"},
        {"Escape", "document.querySelectorAll('.token.pinned').length === 0", "Escape lets go"},
        {"w", "document.querySelectorAll('.tokens')[0].children.length === 14", "w joins symbols to words"},
        {"w h g l r", "[...document.querySelectorAll('.controls .toggle')].map(t => t.getAttribute('aria-pressed')).join() === 'false,true,false,true,true'", "letters switch how the matrix is drawn"},
        {"h g l r d", "document.documentElement.dataset.theme === 'light'", "d changes the colours"},
        {"d", "document.documentElement.dataset.theme === 'dark'", "and again"},
        {"d ?", "document.querySelector('dialog').open", "? shows the keys"},
        {"Escape", "!document.querySelector('dialog').open", "and Escape hides them"},
    };
    open_page(r, "german");
    walk(r);
    open_page(r, "german");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        press(r, steps[i].keys);
        holds(r, steps[i].then, steps[i].name, "keys");
    }
    json_decref(browser_value(r->b, "document.querySelector('.node').focus()"));
    press(r, "ArrowRight ArrowRight ArrowDown");
    holds(r, "document.activeElement.getAttribute('aria-label').includes('step 2') && !document.activeElement.getAttribute('aria-label').includes('winning')", "arrow keys walk the tree of the search", "keys");
    json_decref(browser_value(r->b, "document.querySelector('.tokens').focus()"));
    press(r, "End");
    holds(r, "document.querySelector('.token.at').textContent === '\\u220e'", "arrow keys walk over symbols", "keys");
    json_decref(browser_value(r->b, "document.querySelector('#matrix details').open = true, new Promise(done => setTimeout(done, 50))"));
    holds(r, "document.querySelectorAll('#matrix table tbody tr').length === 15 && document.querySelectorAll('#matrix tbody td').length === 15 * 17 && document.querySelectorAll('#matrix tbody th[scope=row]').length === 15",
          "the matrix has a table equal to it", "keys");
    quiet(r, "keys");
}

/* --- files -------------------------------------------------------------------------------------------------------------------------------------- */
/* The file that lies in saved/ under such an ending, once it has come to rest; NULL: none. */
static char *saved_file(const char *dir, const char *ending, size_t *size)
{
    char *text = NULL;
    DIR *d = opendir(dir);
    for (struct dirent *e; !text && d && (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        char path[4600];
        struct stat at;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        FILE *f = dot && !strcmp(dot + 1, ending) ? fopen(path, "rb") : NULL;
        if (!f) continue;
        if (!fstat(fileno(f), &at) && at.st_size > 0 && (text = calloc(1, (size_t)at.st_size + 1))) *size = fread(text, 1, (size_t)at.st_size, f);
        fclose(f);
    }
    if (d) closedir(d);
    return text;
}

static char *saved(run *r, const char *section, const char *kind, size_t *size)
{
    char expression[400], dir[4200];
    snprintf(dir, sizeof dir, "rm -f '%s'/saved/*", r->pictures);
    if (system(dir)) return NULL;
    snprintf(dir, sizeof dir, "%s/saved", r->pictures);
    snprintf(expression, sizeof expression, "(async b => { b.scrollIntoView({block: 'center'}); for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame); "
                                            "const box = b.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })(document.querySelector('#%s .export [data-kind=%s]'))", section, kind);
    json_t *at = browser_value(r->b, expression);
    const double x = json_number_value(json_array_get(at, 0)), y = json_number_value(json_array_get(at, 1));
    json_decref(at);
    browser_mouse(r->b, "mousePressed", x, y);      /* a hand's click: a browser stops a page that saves ten files by itself */
    browser_mouse(r->b, "mouseReleased", x, y);
    size_t before = 0;
    for (int wait = 0; wait < 400; wait++, usleep(25000)) {
        char *text = saved_file(dir, kind, size);
        if (text && *size == before) return text;      /* as large as a moment ago */
        before = text ? *size : 0;
        free(text);
    }
    return NULL;
}

static bool sound(const char *kind, const char *text, size_t size)
{
    if (!strcmp(kind, "svg")) return xml_is_sound(text) && strstr(text, "<text") && !strstr(text, "foreignObject");
    if (!strcmp(kind, "png")) return size > 500 && !memcmp(text, "\x89PNG\r\n\x1a\n", 8);
    if (!strcmp(kind, "csv")) return text_count(text, "\n") > 1 && strchr(text, ',');
    if (!strcmp(kind, "tex")) return strstr(text, "\\begin{tabular}") && strstr(text, "\\end{tabular}");
    if (!strcmp(kind, "pharaoh")) return strspn(text, "0123456789- \n") == size && strchr(text, '-');
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY, NULL);
    json_decref(value);
    return value != NULL;
}

static void check_section(run *r, const char *page, const char *section, const char *const *kinds)
{
    for (; *kinds; kinds++) {
        size_t size = 0;
        char name[128], *text = saved(r, section, *kinds, &size);
        snprintf(name, sizeof name, "%s, %s, %s", page, section, *kinds);
        check(r, text && sound(*kinds, text, size), "every view can be saved, and the file is sound", name, text ? "not sound" : "no file came");
        free(text);
    }
}

static void check_files(run *r)
{
    static const char *const usual[] = {"svg", "png", "csv", "json", "tex", NULL}, *const all[] = {"svg", "png", "csv", "json", "pharaoh", "tex", NULL};
    static const char *const sections[] = {"trust", "heads", "what-if", "search", "film"};
    char dir[4200];
    snprintf(dir, sizeof dir, "mkdir -p '%s'/saved", r->pictures);
    if (system(dir)) return;
    snprintf(dir, sizeof dir, "%s/saved", r->pictures);
    char *real = realpath(dir, NULL);
    browser_downloads(r->b, real);
    free(real);
    open_page(r, "german");
    check_section(r, "german", "matrix", all);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) check_section(r, "german", sections[i], usual);
    open_page(r, "corpus");
    check_section(r, "corpus", "corpus", all);
    open_page(r, "hostile");
    check_section(r, "hostile", "matrix", (const char *const[]){"svg", "png", "csv", "json", "pharaoh", NULL});
    check_section(r, "hostile", "search", usual);
    open_page(r, "square512");
    check_section(r, "square512", "matrix", (const char *const[]){"svg", "png", NULL});
}

/* --- figures ------------------------------------------------------------------------------------------------------------------------------------ */
static void figure(run *r, const char *name, double value, double limit, const char *unit)
{
    char text[200];
    snprintf(text, sizeof text, "%s: %.1f %s, limit %.0f", name, value, unit, limit);
    if (value < limit) printf("%s\n", text);
    check(r, value < limit, text, "", "");
}

static void check_paint(run *r)
{
    double best = INFINITY;
    for (int i = 0; i < 7; i++) {
        open_page(r, "square512");
        best = fmin(best, browser_number(r->b, "new Promise(done => new PerformanceObserver(list => { const first = list.getEntriesByName('first-contentful-paint')[0]; if (first) "
                                              "done(Math.max(first.startTime, performance.getEntriesByName('heed-drawn')[0].startTime)); }).observe({type: 'paint', buffered: true}))"));
    }
    figure(r, "512 x 512, from opening to the first paint, the matrix in it", best, 300, "ms");
}

/* Processor time of the page's thread for real moves of the mouse, style, layout and paint included; the best of several series, since others use this machine too. */
static double hover(run *r, const char *page)
{
    enum { MOVES = 60 };
    double best = INFINITY;
    open_page(r, page);
    json_decref(browser_value(r->b, "document.querySelector('.over').scrollIntoView({block: 'center'}), new Promise(done => setTimeout(done, 300))"));
    const double left = browser_number(r->b, "document.querySelector('.over').getBoundingClientRect().left"), top = browser_number(r->b, "document.querySelector('.over').getBoundingClientRect().top");
    for (int series = 0; series < 5; series++) {
        const double before = browser_task_seconds(r->b);
        for (int i = 0; i < MOVES; i++) browser_mouse(r->b, "mouseMoved", left + 80 + (i * 37 + series) % 500, top + 80 + (i * 53) % 350);
        json_decref(browser_value(r->b, "new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))"));
        best = fmin(best, (browser_task_seconds(r->b) - before) / MOVES);
    }
    return 1000 * best;
}

static void check_memory(run *r)
{
    const double before = browser_memory(r->b);
    open_page(r, "square2048");
    double most = browser_memory(r->b);
    for (int key = 1; key <= 4; key++) {
        browser_key(r->b, (const char[]){(char)('0' + key), 0}, false);
        most = fmax(most, browser_memory(r->b));
    }
    press(r, "m + + + 0 ArrowDown Enter");
    most = fmax(most, browser_memory(r->b));
    char name[160];
    snprintf(name, sizeof name, "2,048 x 2,048, four lenses one after the other, memory of the whole browser (%.0f MB when empty)", before / 1e6);
    figure(r, name, most / 1e6, 1000, "MB");
    quiet(r, "square2048");
}

static void check_code(run *r) { figure(r, "code of the page", (double)heed_page_size / 1000, 200, "kB"); }

static void check_hover(run *r)
{
    figure(r, "512 x 512, the pointer moves", hover(r, "square512"), 16, "ms");
    figure(r, "2,048 x 2,048, the pointer moves", hover(r, "square2048"), 16, "ms");
}

static const struct { const char *name; void (*check)(run *r); } parts[] = {
    {"code", check_code}, {"paint", check_paint}, {"hover", check_hover}, {"memory", check_memory}, {"words", check_words}, {"hostile", check_hostile}, {"numbers", check_numbers}, {"keys", check_keys}, {"files", check_files}, {"pictures", check_pictures}, {"server", check_server},
};

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: check_page PAGES PICTURES [PART]...\n", stderr);
        return 2;
    }
    run r = {.pages = argv[1], .pictures = argv[2]};
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        bool wanted = argc == 3;
        for (int k = 3; k < argc; k++) wanted |= !strcmp(argv[k], parts[i].name);
        if (!wanted) continue;
        r.b = browser_open();
        browser_view(r.b, 1280, 900, false);
        parts[i].check(&r);
        browser_close(r.b);
    }
    printf("pictures in %s\n%d passed, %d failed\n", r.pictures, r.passed, r.failed);
    return r.failed != 0;
}
