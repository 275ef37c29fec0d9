/* The main thread: sockets, the arriving of requests, deadlines, and the end. MHD is called, and calls back, on this thread alone, so nothing here is locked but what
 * jobs.c does; a worker that is done rings a bell, an eventfd, which is waited for beside the sockets.
 *
 * A visitor is a connection, a call one request on it. A call gathers its body (up to the limit; more is read and dropped, so that the client hears why), becomes a
 * job and sleeps, is woken when a worker is done, and is answered. MHD knows of idle connections only, not of slow ones: every time here is looked at on our own
 * clock. */
#include "http.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_DROPPED = 64 << 20, HEADERS = 16384, WAIT = 250 };       /* bytes, bytes, milliseconds */

typedef struct call call;

typedef struct visitor {
    struct MHD_Connection *connection;
    double since;                     /* when it came, or its last request ended */
    bool known;                       /* it had a request; if no other comes there is nothing to tell it */
    call *call;
    struct visitor *before, *next;
} visitor;

struct call {
    http *http;
    visitor *visitor;
    const route *route;
    char *body;
    size_t size, room, dropped;
    struct MHD_PostProcessor *form;
    size_t text_size, target_size;
    char *text, *target;
    job *job;
    bool handed, sending;             /* to MHD */
    answer answer;
    double until;
};

struct http {
    const serve_options *options;
    address address;
    crew *crew;
    struct MHD_Daemon *daemon;
    int sockets, bell;                /* MHD's epoll, an eventfd */
    visitor *visitors;
    int64_t calls;                    /* under way */
    bool ending;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char *header(struct MHD_Connection *c, const char *name) { return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name); }

/* --- answering ------------------------------------------------------------------------------------------------------------------------------------ */

static void add_policy(struct MHD_Response *r, const answer *a)
{
    char policy[600];
    if (a->script)
        snprintf(policy, sizeof policy, "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                                        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'", a->nonce, a->nonce);
    else if (*a->nonce)
        snprintf(policy, sizeof policy, "default-src 'none'; style-src 'nonce-%s'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", a->nonce);
    else
        snprintf(policy, sizeof policy, "default-src 'none'; frame-ancestors 'none'");
    MHD_add_response_header(r, "Content-Security-Policy", policy);
}

static enum MHD_Result send_answer(call *c)
{
    static const char *const usual[][2] = {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}, {"Referrer-Policy", "same-origin"},
                                           {"Cross-Origin-Resource-Policy", "same-origin"}, {"Cross-Origin-Opener-Policy", "same-origin"}};
    answer *a = &c->answer;
    struct MHD_Response *r = MHD_create_response_from_buffer(a->size, a->body, MHD_RESPMEM_MUST_FREE);
    if (!r)
        return MHD_NO;
    a->body = NULL;
    MHD_add_response_header(r, "Content-Type", a->type);
    add_policy(r, a);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        MHD_add_response_header(r, usual[i][0], usual[i][1]);
    if (a->allow)
        MHD_add_response_header(r, "Allow", a->allow);
    if (a->status == 503)
        MHD_add_response_header(r, "Retry-After", "1");
    if (a->last || c->http->ending)
        MHD_add_response_header(r, "Connection", "close");
    const enum MHD_Result queued = MHD_queue_response(c->visitor->connection, a->status, r);
    MHD_destroy_response(r);
    c->sending = true;
    c->until = now() + c->http->options->deadline;
    return queued;
}

/* --- a request arrives ---------------------------------------------------------------------------------------------------------------------------- */

static void drop_body(call *c)
{
    free(c->body);
    c->body = NULL;
    c->size = c->room = 0;
}

static bool is_type(const char *type, const char *wanted)
{
    const size_t size = strlen(wanted);
    return type && !strncasecmp(type, wanted, size) && strchr("; \t", type[size]);
}

/* A form's fields, as they come. */
static enum MHD_Result take_field(void *user, enum MHD_ValueKind kind, const char *key, const char *file, const char *type, const char *coding, const char *data,
                                  uint64_t at, size_t size)
{
    call *c = user;
    (void)kind, (void)file, (void)type, (void)coding, (void)at;
    const bool text = !strcmp(key, "text"), target = !strcmp(key, "target");
    char **to = text ? &c->text : &c->target;
    size_t *held = text ? &c->text_size : &c->target_size;
    if (!text && !target)
        return MHD_YES;
    char *more = realloc(*to, *held + size + 1);
    if (!more)
        return MHD_NO;
    if (size)
        memcpy(more + *held, data, size);
    *held += size;
    more[*held] = 0;
    *to = more;
    return MHD_YES;
}

static void admit(call *c, const char *path, const char *method)
{
    http *h = c->http;
    struct MHD_Connection *connection = c->visitor->connection;
    const char *type = header(connection, "Content-Type");
    if (h->ending)
        answer_error(&c->answer, 503, "the server is ending");
    else if (!address_admits(&h->address, h->options->hosts, h->options->host_count, header(connection, "Host"), header(connection, "Origin")))
        answer_error(&c->answer, 403, "asked by a name or from a page that is not this server's; a name can be allowed with heed serve --host");
    else if ((c->route = route_find(path, method, &c->answer)) && !c->route->now) {
        const bool form = c->route->form && is_type(type, "application/x-www-form-urlencoded");
        if (form && !(c->form = MHD_create_post_processor(connection, 1024, take_field, c)))
            answer_error(&c->answer, 503, "out of memory for a form");
        else if (!form && !is_type(type, "application/json"))
            answer_error(&c->answer, 415, "the body must be JSON, and its Content-Type application/json");
    }
}

/* What is declared too long is refused before it comes, if its client waits for leave to send it; else it is read and dropped. */
static bool refuse_at_once(call *c)
{
    const char *length = header(c->visitor->connection, "Content-Length");
    const unsigned long long size = length ? strtoull(length, NULL, 10) : 0;
    if (size > c->http->options->body && !c->answer.status)
        answer_error(&c->answer, 413, "the body has %llu bytes; this server takes %zu (heed serve --body)", size, c->http->options->body);
    const bool asks = header(c->visitor->connection, "Expect") != NULL;
    c->answer.last = c->answer.status && (asks || size > MOST_DROPPED);
    return c->answer.last;
}

static call *begin(http *h, struct MHD_Connection *connection, const char *path, const char *method)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    visitor *v = info ? info->socket_context : NULL;
    call *c = v ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    *c = (call){.http = h, .visitor = v, .until = now() + h->options->deadline};
    v->call = c;
    v->known = true;
    h->calls++;
    admit(c, path, method);
    return c;
}

static bool keep(call *c, const char *data, size_t size)
{
    if (c->size + size > c->http->options->body) {
        answer_error(&c->answer, 413, "the body has more than %zu bytes (heed serve --body)", c->http->options->body);
        return false;
    }
    if (c->size + size > c->room) {
        const size_t room = 2 * (c->size + size);
        char *more = realloc(c->body, room);
        if (!more) {
            answer_error(&c->answer, 503, "out of memory for the body");
            return false;
        }
        c->body = more;
        c->room = room;
    }
    memcpy(c->body + c->size, data, size);
    c->size += size;
    return true;
}

static enum MHD_Result take(call *c, const char *data, size_t *size)
{
    if (c->answer.status || !c->route || c->route->now || !keep(c, data, *size)) {
        drop_body(c);
        c->dropped += *size;
    }
    *size = 0;
    return c->dropped > MOST_DROPPED ? MHD_NO : MHD_YES;
}

/* --- it is done, or wakes ------------------------------------------------------------------------------------------------------------------------- */

static void ring(void *user)
{
    const http *h = user;
    const uint64_t one = 1;
    (void)!write(h->bell, &one, sizeof one);
}

static void wake_those_done(http *h)
{
    uint64_t rung;
    if (read(h->bell, &rung, sizeof rung) != sizeof rung)
        return;
    for (const visitor *v = h->visitors; v; v = v->next)
        if (v->call && v->call->job && crew_done(h->crew, v->call->job))
            MHD_resume_connection(v->connection);
}

/* A text of a form is one line. */
static bool settle_text(char *text, size_t size)
{
    if (!text)
        return true;
    size_t to = 0;
    for (size_t i = 0; i < size; i++)
        if (text[i] != '\r')
            text[to++] = text[i] == '\n' ? ' ' : text[i];
    text[to] = 0;
    return !memchr(text, 0, to);
}

static bool read_form(call *c)
{
    const bool read = MHD_post_process(c->form, c->body, c->size) == MHD_YES && MHD_destroy_post_processor(c->form) == MHD_YES;
    c->form = NULL;
    drop_body(c);
    if (!read || !c->text)
        answer_error(&c->answer, 400, read ? "the form has no field \"text\"" : "the form cannot be read");
    else if (!settle_text(c->text, c->text_size) || !settle_text(c->target, c->target_size))
        answer_error(&c->answer, 400, "the text holds a zero character, which no text does");
    if (c->target && !*c->target) {
        free(c->target);
        c->target = NULL;
    }
    return !c->answer.status;
}

static void hand_over(call *c)
{
    if (!crew_room(c->http->crew)) {
        answer_error(&c->answer, 503, "every worker is busy and the queue is full; try again later");
        return;
    }
    if (c->form && !read_form(c))
        return;
    const char *accepts = header(c->visitor->connection, "Accept");
    job *j = job_new(&(order){.work = c->route->work, .done = ring, .user = c->http, .body = c->body, .size = c->size, .text = c->text, .target = c->target,
                              .page = accepts && strstr(accepts, "text/html")});
    c->body = c->text = c->target = NULL;
    if (!j) {
        answer_error(&c->answer, 503, "out of memory for a request");
        return;
    }
    MHD_suspend_connection(c->visitor->connection);
    c->job = j;
    crew_put(c->http->crew, j);
}

static void settle(call *c)
{
    if (c->job) {
        if (!crew_done(c->http->crew, c->job))
            return;
        c->answer = *job_answer(c->job);
        *job_answer(c->job) = (answer){0};
        job_free(c->job);
        c->job = NULL;
    } else if (c->route->now) {
        const crew_state state = crew_look(c->http->crew);
        c->route->now(c->http->options, &state, &c->answer);
    } else
        hand_over(c);
}

static enum MHD_Result answer_to(void *user, struct MHD_Connection *connection, const char *path, const char *method, const char *version, const char *data,
                                 size_t *size, void **slot)
{
    http *h = user;
    (void)version;
    call *c = *slot;
    if (!c) {
        *slot = c = begin(h, connection, path, method);
        return !c ? MHD_NO : refuse_at_once(c) ? send_answer(c) : MHD_YES;
    }
    if (*size)
        return take(c, data, size);
    if (!c->answer.status)
        settle(c);
    return c->answer.status ? send_answer(c) : MHD_YES;
}

/* --- comings and goings --------------------------------------------------------------------------------------------------------------------------- */

static void end_call(void *user, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why)
{
    http *h = user;
    call *c = *slot;
    (void)connection, (void)why;
    if (!c)
        return;
    *slot = NULL;
    c->visitor->call = NULL;
    c->visitor->since = now();
    if (c->job)
        crew_leave(h->crew, c->job);
    if (c->form)
        MHD_destroy_post_processor(c->form);
    drop_body(c);
    free(c->text);
    free(c->target);
    answer_free(&c->answer);
    free(c);
    h->calls--;
}

static void meet(void *user, struct MHD_Connection *connection, void **slot, enum MHD_ConnectionNotificationCode what)
{
    http *h = user;
    visitor *v = *slot;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        if (!(v = calloc(1, sizeof *v)))
            return;                   /* its first request is refused */
        *v = (visitor){.connection = connection, .since = now(), .next = h->visitors};
        if (v->next)
            v->next->before = v;
        h->visitors = v;
        *slot = v;
    } else if (v) {
        *(v->before ? &v->before->next : &h->visitors) = v->next;
        if (v->next)
            v->next->before = v->before;
        free(v);
        *slot = NULL;
    }
}

/* --- deadlines ------------------------------------------------------------------------------------------------------------------------------------ */

/* MHD gives no answer in the middle of a request, so it is written past it; then the socket ends, which MHD meets. */
static void cut_off(const visitor *v, bool told)
{
    static const char late[] = "{\"status\": 408, \"error\": \"the request did not arrive in due time\"}\n";
    char text[300];
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(v->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return;
    const int size = snprintf(text, sizeof text, "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                              sizeof late - 1, late);
    if (told)
        (void)!send(info->connect_fd, text, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(info->connect_fd, SHUT_RDWR);
}

static void expire(http *h, visitor *v)
{
    call *c = v->call;
    if (!c || c->sending || !c->job) {
        cut_off(v, c ? !c->sending : !v->known);
        return;
    }
    crew_leave(h->crew, c->job);
    c->job = NULL;
    c->until = now() + h->options->deadline;
    answer_error(&c->answer, 408, "not answered within %g seconds; ask for fewer lenses, or a shorter text (heed serve --deadline)", h->options->deadline);
    MHD_resume_connection(v->connection);
}

static void look_at_clock(http *h)
{
    const double t = now();
    for (visitor *v = h->visitors; v; v = v->next)
        if (t > (v->call ? v->call->until : v->since + h->options->deadline))
            expire(h, v);
}

/* --- from the first to the last ------------------------------------------------------------------------------------------------------------------- */

http *http_new(const serve_options *o, heed_error *err)
{
    http *h = calloc(1, sizeof *h);
    if (!h) {
        heed_fail(err, HEED_E_NOMEM, "out of memory for a server");
        return NULL;
    }
    h->options = o;
    h->address.socket = -1;
    h->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->bell < 0) {
        heed_fail(err, HEED_E_IO, "the system gives no eventfd");
        http_free(h);
        return NULL;
    }
    if (address_open(&h->address, o->listen, err) || !(h->crew = crew_new(o, err))) {
        http_free(h);
        return NULL;
    }
    h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer_to, h, MHD_OPTION_LISTEN_SOCKET, h->address.socket,
                                 MHD_OPTION_CONNECTION_LIMIT, o->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS, MHD_OPTION_NOTIFY_COMPLETED, end_call, h,
                                 MHD_OPTION_NOTIFY_CONNECTION, meet, h, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (info) {
        h->sockets = info->epoll_fd;
        return h;
    }
    heed_fail(err, HEED_E_IO, "%s: the HTTP library does not start", h->address.url);
    http_free(h);
    return NULL;
}

const char *http_url(const http *h) { return h->address.url; }
bool http_is_open(const http *h) { return !h->address.loopback; }

/* Sockets, the bell, a signal, or so long that deadlines are looked at often enough. */
static void wait_for_something(http *h)
{
    struct pollfd both[] = {{.fd = h->sockets, .events = POLLIN}, {.fd = h->bell, .events = POLLIN}};
    unsigned MHD_LONG_LONG left = WAIT;
    if (MHD_get_timeout(h->daemon, &left) != MHD_YES || left > WAIT)
        left = WAIT;
    poll(both, 2, (int)left);
}

void http_run(http *h, bool (*stop)(void *user))
{
    while (!h->ending || h->calls) {
        wait_for_something(h);
        wake_those_done(h);
        MHD_run(h->daemon);
        look_at_clock(h);
        if (!h->ending && stop(NULL)) {
            h->ending = true;
            MHD_quiesce_daemon(h->daemon);
        }
    }
}

void http_free(http *h)
{
    if (!h)
        return;
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    if (h->address.socket >= 0)
        close(h->address.socket);
    crew_free(h->crew);
    if (h->bell >= 0)
        close(h->bell);
    free(h);
}
