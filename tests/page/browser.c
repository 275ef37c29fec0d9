/* The DevTools protocol over a pipe: messages are JSON with a zero byte after each. */
#define _GNU_SOURCE
#include "page/browser.h"

#include "base/buf.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 120 };

struct browser {
    pid_t pid;
    int to, from, asked;
    heed_buf arrived, requests, complaints;
    char session[128], profile[64], url[4096];
};

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "browser: %s%s%s\n", what, *why ? ": " : "", why);
    exit(1);
}

/* --- starting and ending ------------------------------------------------------------------------------------------------------------------------ */
static void become_chromium(const char *profile, int in, int out)
{
    char dir[128];
    snprintf(dir, sizeof dir, "--user-data-dir=%s", profile);
    const int from = fcntl(in, F_DUPFD, 10), to = fcntl(out, F_DUPFD, 10), quiet = open("/dev/null", O_WRONLY);
    if (dup2(from, 3) < 0 || dup2(to, 4) < 0 || dup2(quiet, 2) < 0 || dup2(quiet, 1) < 0) _exit(126);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char *name = getenv("CHROMIUM") ? getenv("CHROMIUM") : "chromium";
    execlp(name, name, "--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
           "--force-color-profile=srgb", dir, geteuid() ? "--mute-audio" : "--no-sandbox", "about:blank", (char *)NULL);
    _exit(127);
}

static json_t *call(browser *b, const char *method, json_t *params);

static void attach(browser *b)
{
    json_t *made = call(b, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"));
    json_t *held = call(b, "Target.attachToTarget", json_pack("{s:s, s:b}", "targetId", json_string_value(json_object_get(made, "targetId")), "flatten", 1));
    snprintf(b->session, sizeof b->session, "%s", json_string_value(json_object_get(held, "sessionId")));
    json_decref(made);
    json_decref(held);
    static const char *const domains[] = {"Page.enable", "Runtime.enable", "Network.enable", "Log.enable"};
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) json_decref(call(b, domains[i], NULL));
    json_decref(call(b, "Performance.enable", json_pack("{s:s}", "timeDomain", "threadTicks")));
}

browser *browser_open(void)
{
    browser *b = calloc(1, sizeof *b);
    int down[2], up[2];
    snprintf(b->profile, sizeof b->profile, "/tmp/heed-page-XXXXXX");
    if (!mkdtemp(b->profile) || pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC)) give_up("no pipes", "");
    signal(SIGPIPE, SIG_IGN);
    b->pid = fork();
    if (!b->pid) become_chromium(b->profile, down[0], up[1]);
    close(down[0]);
    close(up[1]);
    b->to = down[1];
    b->from = up[0];
    attach(b);
    return b;
}

void browser_close(browser *b)
{
    char line[128];
    close(b->to);
    close(b->from);
    kill(-b->pid, SIGKILL);
    waitpid(b->pid, NULL, 0);
    snprintf(line, sizeof line, "rm -rf '%s'", b->profile);
    if (system(line)) fprintf(stderr, "browser: %s is left behind\n", b->profile);
    heed_buf_free(&b->arrived);
    heed_buf_free(&b->requests);
    heed_buf_free(&b->complaints);
    free(b);
}

/* --- messages ----------------------------------------------------------------------------------------------------------------------------------- */
static void complain(browser *b, const json_t *text)
{
    heed_buf_text(&b->complaints, json_is_string(text) ? json_string_value(text) : "an exception without a text");
    heed_buf_char(&b->complaints, '\n');
}

static void hear(browser *b, const char *method, const json_t *params)
{
    if (!strcmp(method, "Network.requestWillBeSent")) {
        const char *url = json_string_value(json_object_get(json_object_get(params, "request"), "url"));
        if (strcmp(url, b->url) && strncmp(url, "data:", 5) && strncmp(url, "blob:", 5)) {
            heed_buf_text(&b->requests, url);
            heed_buf_char(&b->requests, '\n');
        }
    }
    const json_t *thrown = json_object_get(json_object_get(params, "exceptionDetails"), "exception"), *entry = json_object_get(params, "entry");
    if (!strcmp(method, "Runtime.exceptionThrown")) complain(b, json_object_get(thrown, "description"));
    if (!strcmp(method, "Log.entryAdded") && !strcmp(json_string_value(json_object_get(entry, "level")), "error")) complain(b, json_object_get(entry, "text"));
}

/* The next message, whole; NULL after PATIENCE seconds of silence. */
static json_t *next_message(browser *b)
{
    for (;;) {
        char *end = b->arrived.size ? memchr(b->arrived.data, 0, b->arrived.size) : NULL;
        if (end) {
            const size_t size = (size_t)(end - b->arrived.data);
            json_t *message = json_loadb(b->arrived.data, size, JSON_ALLOW_NUL, NULL);
            memmove(b->arrived.data, end + 1, b->arrived.size - size - 1);
            b->arrived.size -= size + 1;
            return message;
        }
        struct pollfd wait = {.fd = b->from, .events = POLLIN};
        char bytes[65536];
        if (poll(&wait, 1, PATIENCE * 1000) <= 0) return NULL;
        const ssize_t got = read(b->from, bytes, sizeof bytes);
        if (got <= 0) return NULL;
        heed_buf_add(&b->arrived, bytes, (size_t)got);
    }
}

static json_t *call(browser *b, const char *method, json_t *params)
{
    const int id = ++b->asked;
    json_t *message = json_pack("{s:i, s:s, s:o}", "id", id, "method", method, "params", params ? params : json_object());
    if (*b->session && strncmp(method, "Target.", 7) && strncmp(method, "Browser.", 8)) json_object_set_new(message, "sessionId", json_string(b->session));
    char *text = json_dumps(message, JSON_COMPACT);
    for (size_t at = 0, size = strlen(text) + 1; at < size;) {
        const ssize_t sent = write(b->to, text + at, size - at);
        if (sent <= 0) give_up(method, "the browser is gone (is it installed? tools/setup page)");
        at += (size_t)sent;
    }
    free(text);
    json_decref(message);
    for (json_t *reply; (reply = next_message(b)); json_decref(reply)) {
        const char *event = json_string_value(json_object_get(reply, "method"));
        if (event) hear(b, event, json_object_get(reply, "params"));
        if (json_integer_value(json_object_get(reply, "id")) != id) continue;
        if (json_object_get(reply, "error")) give_up(method, json_string_value(json_object_get(json_object_get(reply, "error"), "message")));
        json_t *result = json_incref(json_object_get(reply, "result"));
        json_decref(reply);
        return result;
    }
    give_up(method, "no answer (is chromium installed? tools/setup page)");
    return NULL;
}

/* --- pages -------------------------------------------------------------------------------------------------------------------------------------- */
json_t *browser_value(browser *b, const char *expression)
{
    json_t *reply = call(b, "Runtime.evaluate", json_pack("{s:s, s:b, s:b, s:b}", "expression", expression, "returnByValue", 1, "awaitPromise", 1, "userGesture", 1));
    const json_t *thrown = json_object_get(reply, "exceptionDetails");
    if (thrown) {
        complain(b, json_object_get(json_object_get(thrown, "exception"), "description"));
        complain(b, json_object_get(json_object_get(reply, "result"), "description"));
    }
    json_t *value = thrown ? json_null() : json_incref(json_object_get(json_object_get(reply, "result"), "value"));
    json_decref(reply);
    return value;
}

double browser_number(browser *b, const char *expression)
{
    json_t *value = browser_value(b, expression);
    const double number = json_number_value(value);
    json_decref(value);
    return number;
}

bool browser_true(browser *b, const char *expression)
{
    json_t *value = browser_value(b, expression);
    const bool yes = json_is_true(value);
    json_decref(value);
    return yes;
}

void browser_wait(browser *b, const char *expression)
{
    const time_t until = time(NULL) + PATIENCE;
    while (!browser_true(b, expression)) {
        if (time(NULL) > until) give_up(expression, "does not come true in two minutes");
        usleep(10000);
    }
}

void browser_visit(browser *b, const char *url)
{
    json_decref(call(b, "Page.navigate", json_pack("{s:s}", "url", "about:blank")));
    snprintf(b->url, sizeof b->url, "%s", url);
    heed_buf_reset(&b->requests);
    heed_buf_reset(&b->complaints);
    json_decref(call(b, "Page.navigate", json_pack("{s:s}", "url", b->url)));
    browser_wait(b, "document.readyState === 'complete'");
}

void browser_load(browser *b, const char *path)
{
    char *real = realpath(path, NULL), url[4100];
    if (!real) give_up(path, "no such page");
    snprintf(url, sizeof url, "file://%s", real);
    free(real);
    browser_visit(b, url);
    browser_wait(b, "document.documentElement.dataset.ready === 'all' || Boolean(document.querySelector('[role=alert]'))");
}

void browser_view(browser *b, int width, int height, bool dark)
{
    json_decref(call(b, "Emulation.setDeviceMetricsOverride", json_pack("{s:i, s:i, s:i, s:b}", "width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 500)));
    json_decref(call(b, "Emulation.setEmulatedMedia", json_pack("{s:[{s:s, s:s}]}", "features", "name", "prefers-color-scheme", "value", dark ? "dark" : "light")));
}

void browser_key(browser *b, const char *key, bool shift)
{
    static const struct { const char *key; int code; } codes[] = {{"Tab", 9}, {"Enter", 13}, {"Escape", 27}, {" ", 32}, {"PageUp", 33}, {"PageDown", 34}, {"End", 35}, {"Home", 36}, {"ArrowLeft", 37},
                                                                 {"ArrowUp", 38}, {"ArrowRight", 39}, {"ArrowDown", 40}};
    int code = strlen(key) == 1 ? key[0] : 0;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) code = strcmp(codes[i].key, key) ? code : codes[i].code;
    json_t *down = json_pack("{s:s, s:s, s:i, s:i}", "type", "keyDown", "key", key, "windowsVirtualKeyCode", code, "modifiers", shift ? 8 : 0);
    if (strlen(key) == 1) json_object_set_new(down, "text", json_string(key));
    if (!strcmp(key, "Enter")) json_object_set_new(down, "text", json_string("\r"));
    json_decref(call(b, "Input.dispatchKeyEvent", down));
    json_decref(call(b, "Input.dispatchKeyEvent", json_pack("{s:s, s:s, s:i, s:i}", "type", "keyUp", "key", key, "windowsVirtualKeyCode", code, "modifiers", shift ? 8 : 0)));
}

void browser_mouse(browser *b, const char *type, double x, double y)
{
    json_decref(call(b, "Input.dispatchMouseEvent", json_pack("{s:s, s:f, s:f, s:s, s:i}", "type", type, "x", x, "y", y, "button", strcmp(type, "mouseMoved") ? "left" : "none", "clickCount", 1)));
}

static unsigned value_of(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned)(c - 'A') : c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 26 : c >= '0' && c <= '9' ? (unsigned)(c - '0') + 52 : c == '+' ? 62 : 63;
}

void browser_picture(browser *b, const char *path)
{
    json_t *reply = call(b, "Page.captureScreenshot", json_pack("{s:s, s:b}", "format", "png", "captureBeyondViewport", 1));
    const char *data = json_string_value(json_object_get(reply, "data"));
    FILE *f = fopen(path, "wb");
    if (!f) give_up(path, "cannot be written");
    for (; data[0] && data[1]; data += 4) {
        const unsigned four = value_of(data[0]) << 18 | value_of(data[1]) << 12 | value_of(data[2]) << 6 | value_of(data[3]);
        const unsigned char three[3] = {(unsigned char)(four >> 16), (unsigned char)(four >> 8), (unsigned char)four};
        fwrite(three, 1, data[2] == '=' ? 1 : data[3] == '=' ? 2 : 3, f);
    }
    fclose(f);
    json_decref(reply);
}

void browser_downloads(browser *b, const char *dir)
{
    json_decref(call(b, "Browser.setDownloadBehavior", json_pack("{s:s, s:s}", "behavior", "allow", "downloadPath", dir)));
}

const char *browser_requests(const browser *b) { return b->requests.size ? b->requests.data : ""; }
const char *browser_complaints(const browser *b) { return b->complaints.size ? b->complaints.data : ""; }

double browser_task_seconds(browser *b)
{
    json_t *reply = call(b, "Performance.getMetrics", NULL), *metric;
    double seconds = 0;
    size_t i;
    json_array_foreach(json_object_get(reply, "metrics"), i, metric)
        if (!strcmp(json_string_value(json_object_get(metric, "name")), "TaskDuration")) seconds = json_number_value(json_object_get(metric, "value"));
    json_decref(reply);
    return seconds;
}

/* --- memory ------------------------------------------------------------------------------------------------------------------------------------- */
/* NULL: it has ended. */
static FILE *open_of(int pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return fopen(path, "r");
}

static int parent_of(int pid)
{
    char line[512];
    int parent = 0;
    FILE *f = open_of(pid, "stat");
    if (!f) return 0;
    if (fgets(line, sizeof line, f)) sscanf(strrchr(line, ')') + 1, " %*c %d", &parent);
    fclose(f);
    return parent;
}

static double share_of(int pid)
{
    char line[256];
    double kilobytes = 0;
    FILE *f = open_of(pid, "smaps_rollup");
    while (f && fgets(line, sizeof line, f)) sscanf(line, "Pss: %lf", &kilobytes);
    if (f) fclose(f);
    return 1024 * kilobytes;
}

double browser_memory(const browser *b)
{
    double all = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));) {
        const int pid = (int)strtol(e->d_name, NULL, 10);
        for (int at = pid; at > 1; at = parent_of(at))
            if (at == b->pid) {
                all += share_of(pid);
                break;
            }
    }
    if (d) closedir(d);
    return all;
}
