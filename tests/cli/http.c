/* A client for tests: cli/http.h. */
#define _GNU_SOURCE
#include "cli/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 60000 };      /* milliseconds */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int http_connect(int port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int tries = 0; tries < 100; tries++, usleep(100000)) {
        const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (s >= 0 && !connect(s, (const struct sockaddr *)&to, sizeof to)) return s;
        if (s >= 0) close(s);
    }
    fprintf(stderr, "no server at port %d\n", port);
    exit(1);
}

bool http_send(int socket, const void *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        const ssize_t sent = send(socket, (const char *)bytes + at, size - at, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += (size_t)sent;
    }
    return true;
}

reply http_read(int socket)
{
    const double begun = now();
    reply r = {.text = calloc(1, 1)};
    char bytes[65536];
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    while (r.text && poll(&wait, 1, PATIENCE) > 0) {
        const ssize_t got = recv(socket, bytes, sizeof bytes, 0);
        if (got <= 0) break;
        char *more = realloc(r.text, r.size + (size_t)got + 1);
        if (!more) break;
        r.text = more;
        memcpy(r.text + r.size, bytes, (size_t)got);
        r.text[r.size += (size_t)got] = 0;
    }
    close(socket);
    if (!r.text) exit(1);
    const char *end = strstr(r.text, "\r\n\r\n");
    if (sscanf(r.text, "HTTP/1.%*c %d", &r.status) != 1 || !end) r.status = 0;
    r.body = end ? end + 4 : "";
    r.seconds = now() - begun;
    return r;
}

void reply_free(reply *r)
{
    free(r->text);
    *r = (reply){0};
}

bool reply_says(const reply *r, const char *text) { return strstr(r->text, text) != NULL; }

reply http_ask(int port, const char *method, const char *path, const char *headers, const char *body, size_t size)
{
    char head[2048];
    const int s = http_connect(port);
    int used = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\n%s%sConnection: close\r\n", method, path, strstr(headers, "Host:") ? "" : "Host: localhost\r\n", headers);
    if (body) used += snprintf(head + used, sizeof head - (size_t)used, "Content-Length: %zu\r\n", size);
    used += snprintf(head + used, sizeof head - (size_t)used, "\r\n");
    if (http_send(s, head, (size_t)used) && body) http_send(s, body, size);
    return http_read(s);
}

reply http_post(int port, const char *path, const char *json) { return http_ask(port, "POST", path, "Content-Type: application/json\r\n", json, strlen(json)); }
