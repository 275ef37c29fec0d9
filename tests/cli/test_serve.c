/* heed serve as its clients meet it: what it answers, what it refuses, and that slow, broken and hostile ones hold up nobody else. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/http.h"
#include "support/scratch.h"
#include "support/server.h"
#include "support/tiny.h"

static const char JSON[] = "Content-Type: application/json\r\n", FORM[] = "Content-Type: application/x-www-form-urlencoded\r\n";
static const char *model;           /* recurrent, one head, a vector to begin with */

static int make_model(void **state)
{
    (void)state;
    model = tiny_save(tiny_build(&(tiny){0}), "served");
    return model == NULL;
}

/* What the program prints; the caller's. */
static char *printed(const char *arguments)
{
    char line[4096];
    size_t size = 0, room = 1 << 22;
    char *text = calloc(1, room);
    snprintf(line, sizeof line, "'%s' -q explain '%s' %s", getenv("HEED") ? getenv("HEED") : "build/heed", model, arguments);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    assert_non_null(text);
    for (size_t got; (got = fread(text + size, 1, room - 1 - size, f)) > 0;) size += got;
    assert_int_equal(pclose(f), 0);
    return text;
}

/* A request that takes a minute or so: many symbols, for lenses that take a pass for each. */
static const char *slow_question(void)
{
    static char json[8192];
    size_t at = (size_t)snprintf(json, sizeof json, "{\"text\": \"");
    for (int i = 0; i < 1900; i++) json[at++] = "abcde"[i % 5];
    at += (size_t)snprintf(json + at, sizeof json - at, "\", \"target\": \"");
    for (int i = 0; i < 900; i++) at += (size_t)snprintf(json + at, sizeof json - at, "%c ", "ABCDE"[i % 5]);
    snprintf(json + at, sizeof json - at, "A\", \"lenses\": [\"leave-one-out\", \"value-zeroing\", \"integrated-gradients\"]}");
    return json;
}

static int send_slow(int port)
{
    char head[200];
    const char *json = slow_question();
    const int s = http_connect(port), used = snprintf(head, sizeof head, "POST /explain HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n", JSON, strlen(json));
    assert_true(http_send(s, head, (size_t)used) && http_send(s, json, strlen(json)));
    return s;
}

/* Until /health says so; false after ten seconds. */
static bool comes_to(int port, const char *state)
{
    for (int tries = 0; tries < 200; tries++, usleep(50000)) {
        reply r = http_ask(port, "GET", "/health", "", NULL, 0);
        const bool there = reply_says(&r, state);
        reply_free(&r);
        if (there) return true;
    }
    return false;
}

/* --- what it answers ------------------------------------------------------------------------------------------------------------------------------- */

static void test_serve__says_what_explain_prints(void **state)
{
    (void)state;
    server s = server_start(model, "--threads 2");
    static const struct { const char *json, *arguments; } rows[] = {
        {"{\"text\": \"ab d\", \"lenses\": [\"leave-one-out\", \"weights\"]}", "'ab d' --lens leave-one-out --lens weights --json"},
        {"{\"source\": \"abc\", \"target\": \"A B\", \"lenses\": [\"weights\"], \"trust\": true, \"heads\": true}", "abc --target 'A B' --lens weights --trust --heads --json"},
        {"{\"text\": \"abc\", \"lenses\": [\"weights\"], \"what_if\": [\"mask:0\", \"edit:1=e\", \"prefix=B\"]}", "abc --lens weights --what-if mask:0 --what-if edit:1=e --what-if prefix=B --json"},
        {"{\"text\": \"abc\", \"form\": \"csv\", \"lenses\": [\"rollout\"]}", "abc --lens rollout --csv"},
        {"{\"text\": \"abc\", \"form\": \"text\", \"what_if\": [\"row:0=1\"]}", "abc --what-if row:0=1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {

        reply r = http_post(s.port, "/explain", rows[i].json);
        char *said = printed(rows[i].arguments);
        assert_int_equal(r.status, 200);
        assert_string_equal(r.body, said);
        free(said);
        reply_free(&r);
    }
    assert_int_equal(server_stop(&s), 0);
}

static void test_serve__what_if_has_both_runs_and_no_lens_unasked(void **state)
{
    (void)state;
    server s = server_start(model, "--threads 1");
    reply r = http_post(s.port, "/what-if", "{\"text\": \"abc\", \"what_if\": [\"mask:1\", \"vector=ed\"]}");
    assert_int_equal(r.status, 200);
    assert_true(reply_says(&r, "\"outputs\": [{") && reply_says(&r, "\"lenses\": []") && reply_says(&r, "\"what\": \"mask source symbol 1 (b): read as <unk>\"") && reply_says(&r, "\"change\": ["));
    reply_free(&r);
    r = http_post(s.port, "/what-if", "{\"text\": \"abc\", \"target\": \"B A\", \"lenses\": [\"weights\"], \"what_if\": [\"head:cross.0.0=off\"]}");
    assert_true(r.status == 200 && reply_says(&r, "\"name\": \"weights\"") && reply_says(&r, "\"forced\": true"));
    reply_free(&r);
    assert_int_equal(server_stop(&s), 0);
}

/* Replaces what stands between the marks, everywhere, in place. */
static void cut(char *text, const char *begin, size_t size)
{
    for (char *at; (at = strstr(text, begin));) memmove(at, at + strlen(begin) + size, strlen(at + strlen(begin) + size) + 1);
}

static void test_serve__page_is_that_of_a_file_under_a_policy_of_its_own(void **state)
{
    (void)state;
    server s = server_start(model, "--threads 1");
    reply r = http_ask(s.port, "POST", "/explain", "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nAccept: text/html,*/*;q=0.8\r\n", "text=a%62+d&target=", 19);
    assert_int_equal(r.status, 200);
    char nonce[33] = "", mark[64], *page = strdup(r.body), path[600];
    const char *at = strstr(r.text, "Content-Security-Policy: default-src 'none'; script-src 'nonce-");
    assert_non_null(at);
    memcpy(nonce, strstr(at, "nonce-") + 6, 32);
    snprintf(mark, sizeof mark, "script-src 'nonce-%s'", nonce);
    assert_non_null(strstr(r.body, mark));
    assert_true(reply_says(&r, "frame-ancestors 'none'") && reply_says(&r, "X-Content-Type-Options: nosniff"));
    snprintf(path, sizeof path, "'ab d' -o '%s'", scratch_path("page.html"));
    free(printed(path));
    size_t size;
    char *file = scratch_read("page.html", &size);
    cut(page, " connect-src 'self';", 0);
    cut(page, " data-server=\"what-if\"", 0);
    cut(page, "nonce-", 32);
    cut(page, "nonce=\"", 32);
    cut(file, "nonce-", 32);
    cut(file, "nonce=\"", 32);
    assert_string_equal(page, file);
    free(page);
    free(file);
    reply other = http_ask(s.port, "POST", "/explain", "Content-Type: application/json\r\nAccept: text/html\r\n", "{\"text\": \"ab d\"}", 16);
    assert_true(other.status == 200 && !reply_says(&other, nonce));
    reply_free(&other);
    reply_free(&r);
    assert_int_equal(server_stop(&s), 0);
}

static void test_serve__form_and_health_are_there(void **state)
{
    (void)state;
    server s = server_start(model, "--threads 2");
    reply r = http_ask(s.port, "GET", "/", "", NULL, 0);
    assert_true(r.status == 200 && reply_says(&r, "<form method=\"post\"") && reply_says(&r, "form-action 'self'") && !reply_says(&r, "<script"));
    reply_free(&r);
    r = http_ask(s.port, "HEAD", "/", "", NULL, 0);
    assert_true(r.status == 200 && !*r.body);
    reply_free(&r);
    r = http_ask(s.port, "GET", "/health", "", NULL, 0);
    assert_true(r.status == 200 && reply_says(&r, "\"status\": \"ok\"") && reply_says(&r, "\"workers\": 2, \"working\": 0, \"waiting\": 0"));
    reply_free(&r);
    assert_int_equal(server_stop(&s), 0);
}

/* --- what it refuses ------------------------------------------------------------------------------------------------------------------------------- */

typedef struct refusal { const char *method, *path, *headers, *body; int status; const char *says; } refusal;

static void check_refusals(int port, const refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const refusal *x = &rows[i];
        reply r = http_ask(port, x->method, x->path, x->headers, x->body, x->body ? strlen(x->body) : 0);
        char status[32];
        snprintf(status, sizeof status, "{\"status\": %d, \"error\": \"", x->status);
        if (r.status != x->status || strncmp(r.body, status, strlen(status)) || !reply_says(&r, x->says)) fail_msg("%s %s %s: %s", x->method, x->path, x->body ? x->body : "", r.text);
        assert_true(reply_says(&r, "Content-Type: application/json\r\n"));
        reply_free(&r);
    }
}

static void test_serve__errors_have_a_status_and_a_remedy(void **state)
{
    (void)state;
    static const refusal rows[] = {
        {"GET", "/nothing", "", NULL, 404, "there are GET /, GET /health, POST /explain, POST /what-if"},
        {"GET", "/explain", "", NULL, 405, "Allow: POST"},
        {"POST", "/health", JSON, "{}", 405, "Allow: GET, HEAD"},
        {"DELETE", "/", "", NULL, 405, "/ takes GET"},
        {"POST", "/explain", "", "{\"text\": \"a\"}", 415, "application/json"},
        {"POST", "/explain", "Content-Type: text/plain\r\n", "{\"text\": \"a\"}", 415, "application/json"},
        {"POST", "/what-if", FORM, "text=a", 415, "application/json"},
        {"POST", "/explain", JSON, "", 400, "not a JSON object"},
        {"POST", "/explain", JSON, "{\"text\": \"a\"", 400, "not a JSON object"},
        {"POST", "/explain", JSON, "[[[[[[[[", 400, "not a JSON object"},
        {"POST", "/explain", JSON, "{\"text\": \"\xC3(\"}", 400, "not a JSON object"},
        {"POST", "/explain", JSON, "{\"text\": \"a\", \"lens\": []}", 400, "did you mean lenses?"},
        {"POST", "/explain", JSON, "{\"text\": \"a\", \"lenses\": [\"wieghts\"]}", 400, "did you mean weights?"},
        {"POST", "/explain", JSON, "{\"text\": \"a\", \"form\": \"pdf\"}", 400, "\\\"page\\\", \\\"json\\\""},
        {"POST", "/explain", JSON, "{\"text\": \"\"}", 400, "no symbols"},
        {"POST", "/explain", JSON, "{\"text\": \"a\", \"target\": \"z\"}", 400, "none that this model can write"},
        {"POST", "/what-if", JSON, "{\"text\": \"a\"}", 400, "no \\\"what_if\\\""},
        {"POST", "/what-if", JSON, "{\"text\": \"a\", \"what_if\": [\"mask:9\"]}", 400, "the text has the symbols 0 to 0"},
        {"POST", "/what-if", JSON, "{\"text\": \"a\", \"what_if\": [\"mask:0\"], \"form\": \"page\"}", 400, "as JSON"},
        {"POST", "/explain", FORM, "target=A", 400, "no field"},
        {"POST", "/explain", FORM, "text=a%00b", 400, "zero character"},
        {"POST", "/explain", FORM, "text=%C3%28", 400, "UTF-8"},
        {"POST", "/explain", JSON, "{\"text\": \"abcdeabcde\"}", 413, "this server takes 8 (heed serve --text)"},
        {"POST", "/explain", JSON, "{\"text\": \"a\", \"target\": \"A B C D E\"}", 413, "the target has 9 bytes"},
        {"POST", "/explain", FORM, "text=abcdeabcde", 413, "this server takes 8"},
    };
    server s = server_start(model, "--threads 1 --text 8");
    check_refusals(s.port, rows, sizeof rows / sizeof *rows);
    reply r = http_post(s.port, "/explain", "{\"text\": \"ab\"}");
    assert_int_equal(r.status, 200);
    reply_free(&r);
    assert_int_equal(server_stop(&s), 0);
}

static void test_serve__foreign_names_and_pages_are_refused(void **state)
{
    (void)state;
    static const refusal rows[] = {
        {"GET", "/", "Host: evil.example\r\n", NULL, 403, "--host"},
        {"GET", "/", "Host: localhost.evil.example:80\r\n", NULL, 403, "--host"},
        {"GET", "/", "Host: 128.0.0.1\r\n", NULL, 403, "--host"},
        {"POST", "/explain", "Host: localhost\r\nOrigin: http://evil.example\r\nContent-Type: application/json\r\n", "{\"text\": \"a\"}", 403, "--host"},
        {"POST", "/explain", "Host: localhost:80\r\nOrigin: http://localhost:81\r\nContent-Type: application/json\r\n", "{\"text\": \"a\"}", 403, "--host"},
        {"POST", "/explain", "Host: localhost\r\nOrigin: null\r\nContent-Type: application/json\r\n", "{\"text\": \"a\"}", 403, "--host"},
    };
    static const char *const good[] = {"Host: 127.0.0.1:1\r\n", "Host: LOCALHOST\r\n", "Host: [::1]:8080\r\n", "Host: lab.example\r\n", "Host: localhost:8\r\nOrigin: http://localhost:8\r\n",
                                       "Host: lab.example\r\nOrigin: https://lab.example\r\n"};
    server s = server_start(model, "--threads 1 --host lab.example");
    check_refusals(s.port, rows, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        reply r = http_ask(s.port, "GET", "/health", good[i], NULL, 0);
        if (r.status != 200) fail_msg("%s: %s", good[i], r.text);
        reply_free(&r);
    }
    assert_int_equal(server_stop(&s), 0);
}

static void test_serve__large_bodies_are_refused_in_words(void **state)
{
    (void)state;
    enum { LARGE = 10000000 };
    char *large = malloc(LARGE);
    assert_non_null(large);
    memset(large, 'a', LARGE);
    server s = server_start(model, "--threads 1");
    reply r = http_ask(s.port, "POST", "/explain", JSON, large, LARGE);
    assert_true(r.status == 413 && reply_says(&r, "the body has 10000000 bytes; this server takes 65536 (heed serve --body)"));
    reply_free(&r);
    r = http_ask(s.port, "POST", "/explain", "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 10000000\r\n", NULL, 0);
    assert_true(r.status == 413 && r.seconds < 5);
    reply_free(&r);
    r = http_ask(s.port, "POST", "/explain", "Content-Type: application/json\r\nContent-Length: 99999999999999\r\n", NULL, 0);
    assert_true(r.status == 413 && r.seconds < 5);
    reply_free(&r);
    const int c = http_connect(s.port);
    static const char head[] = "POST /explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n30d40\r\n";
    assert_true(http_send(c, head, strlen(head)) && http_send(c, large, 200000) && http_send(c, "\r\n0\r\n\r\n", 7));
    r = http_read(c);
    assert_true(r.status == 413 && reply_says(&r, "more than 65536 bytes"));
    reply_free(&r);
    r = http_post(s.port, "/explain", "{\"text\": \"ab\"}");
    assert_int_equal(r.status, 200);
    reply_free(&r);
    free(large);
    assert_int_equal(server_stop(&s), 0);
}

/* --- many, slow and broken clients ------------------------------------------------------------------------------------------------------------------ */

typedef struct client { int port; const char *wanted; int wrong; } client;

static void *ask_often(void *user)
{
    client *c = user;
    for (int i = 0; i < 10; i++) {
        reply r = http_post(c->port, "/what-if", "{\"text\": \"abcde\", \"what_if\": [\"mask:1\", \"head:cross.0.0=uniform\"]}");
        c->wrong += r.status != 200 || strcmp(r.body, c->wanted) != 0;
        reply_free(&r);
    }
    return NULL;
}

static void test_serve__many_at_a_time_get_the_same_answer(void **state)
{
    (void)state;
    enum { CLIENTS = 8 };
    pthread_t threads[CLIENTS];
    client clients[CLIENTS];
    server s = server_start(model, "--threads 3");
    reply first = http_post(s.port, "/what-if", "{\"text\": \"abcde\", \"what_if\": [\"mask:1\", \"head:cross.0.0=uniform\"]}");
    assert_int_equal(first.status, 200);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (client){s.port, first.body, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(clients[i].wrong, 0);
    }
    reply_free(&first);
    assert_int_equal(server_stop(&s), 0);
}

static void test_serve__slow_clients_hold_a_connection_and_no_worker(void **state)
{
    (void)state;
    static const char head[] = "POST /explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"te";
    server s = server_start(model, "--threads 1 --deadline 2 --connections 4");
    const int body = http_connect(s.port), line = http_connect(s.port), idle = http_connect(s.port);
    assert_true(http_send(body, head, strlen(head)) && http_send(line, head, 20));
    reply r = http_post(s.port, "/explain", "{\"text\": \"ab\"}");
    assert_true(r.status == 200 && r.seconds < 2);
    reply_free(&r);
    for (int i = 0; i < 30 && http_send(body, "x", 1) && http_send(line, "P", 1); i++) usleep(100000);      /* trickles on */
    const int sockets[] = {body, line, idle};
    for (int i = 0; i < 3; i++) {
        r = http_read(sockets[i]);
        assert_true(r.seconds < 10 && (r.status == 408 || r.status == 0));
        const char *length = strstr(r.text, "Content-Length: ");
        if (r.status) assert_true(length && strtoul(length + 16, NULL, 10) == strlen(r.body) && reply_says(&r, "\"status\": 408"));
        reply_free(&r);
    }
    const int more[] = {http_connect(s.port), http_connect(s.port), http_connect(s.port), http_connect(s.port)};
    r = http_ask(s.port, "GET", "/health", "", NULL, 0);            /* waits until one of these is ended */
    assert_true(r.status == 200 && r.seconds > 0.5);
    reply_free(&r);
    for (int i = 0; i < 4; i++) close(more[i]);
    assert_int_equal(server_stop(&s), 0);
}

static void test_serve__half_closed_and_broken_clients_do_no_harm(void **state)
{
    (void)state;
    static const char whole[] = "POST /what-if HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 38\r\n\r\n{\"text\": \"abc\", \"what_if\": [\"mask:0\"]}";
    server s = server_start(model, "--threads 1 --deadline 4");
    int c = http_connect(s.port);
    assert_true(http_send(c, whole, strlen(whole) - 10));
    shutdown(c, SHUT_WR);
    reply r = http_read(c);                                         /* the rest can never come */
    assert_true((r.status == 0 || r.status == 408) && r.seconds < 30);
    reply_free(&r);
    static const char *const garbage[] = {"\x16\x03\x01\x02\x00\x01\x00", "GET\r\n\r\n", "\r\n\r\n\r\n", "POST /explain HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        c = http_connect(s.port);
        http_send(c, garbage[i], strlen(garbage[i]));
        shutdown(c, SHUT_WR);
        r = http_read(c);
        assert_true(r.status != 200);
        reply_free(&r);
    }
    for (int i = 0; i < 20; i++) {                                  /* gone before the answer */
        c = http_connect(s.port);
        http_send(c, whole, strlen(whole));
        setsockopt(c, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        close(c);
    }
    c = http_connect(s.port);                                       /* two requests on one connection */
    assert_true(http_send(c, whole, strlen(whole)) && http_send(c, whole, strlen(whole)));
    shutdown(c, SHUT_WR);
    r = http_read(c);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    assert_true(comes_to(s.port, "\"working\": 0, \"waiting\": 0"));
    assert_int_equal(server_stop(&s), 0);
}

static void test_serve__deadline_ends_work_and_a_full_queue_is_told(void **state)
{
    (void)state;
    server s = server_start(model, "--threads 1 --queue 1 --deadline 3");
    const int working = send_slow(s.port);
    assert_true(comes_to(s.port, "\"working\": 1, \"waiting\": 0"));
    const int waiting = send_slow(s.port);
    assert_true(comes_to(s.port, "\"working\": 1, \"waiting\": 1"));
    reply r = http_post(s.port, "/explain", "{\"text\": \"ab\"}");
    assert_true(r.status == 503 && reply_says(&r, "the queue is full") && reply_says(&r, "Retry-After: 1"));
    reply_free(&r);
    r = http_read(working);
    assert_true(r.status == 408 && r.seconds < 10 && reply_says(&r, "heed serve --deadline"));
    reply_free(&r);
    r = http_read(waiting);
    assert_int_equal(r.status, 408);
    reply_free(&r);
    assert_true(comes_to(s.port, "\"working\": 0, \"waiting\": 0"));
    r = http_post(s.port, "/explain", "{\"text\": \"ab\"}");
    assert_int_equal(r.status, 200);
    reply_free(&r);
    assert_int_equal(server_stop(&s), 0);
}

static void test_serve__ends_when_what_was_begun_is_answered(void **state)
{
    (void)state;
    for (int number = SIGINT; number; number = number == SIGINT ? SIGTERM : 0) {
        server s = server_start(model, "--threads 1 --deadline 3");
        const int slow = send_slow(s.port);
        assert_true(comes_to(s.port, "\"working\": 1"));
        kill(s.pid, number);
        reply r = http_read(slow);
        assert_int_equal(r.status, 408);                            /* answered, here by the deadline, not cut off */
        assert_true(reply_says(&r, "\"error\""));
        reply_free(&r);
        assert_int_equal(server_wait(&s), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serve__says_what_explain_prints),
        cmocka_unit_test(test_serve__what_if_has_both_runs_and_no_lens_unasked),
        cmocka_unit_test(test_serve__page_is_that_of_a_file_under_a_policy_of_its_own),
        cmocka_unit_test(test_serve__form_and_health_are_there),
        cmocka_unit_test(test_serve__errors_have_a_status_and_a_remedy),
        cmocka_unit_test(test_serve__foreign_names_and_pages_are_refused),
        cmocka_unit_test(test_serve__large_bodies_are_refused_in_words),
        cmocka_unit_test(test_serve__many_at_a_time_get_the_same_answer),
        cmocka_unit_test(test_serve__slow_clients_hold_a_connection_and_no_worker),
        cmocka_unit_test(test_serve__half_closed_and_broken_clients_do_no_harm),
        cmocka_unit_test(test_serve__deadline_ends_work_and_a_full_queue_is_told),
        cmocka_unit_test(test_serve__ends_when_what_was_begun_is_answered),
    };
    return cmocka_run_group_tests(tests, make_model, NULL);
}
