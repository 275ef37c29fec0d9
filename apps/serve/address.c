/* Addresses and names: address.h. */
#define _GNU_SOURCE
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 64, MOST_NAME = 256 };

/* --- listening ------------------------------------------------------------------------------------------------------------------------------------ */

/* "[::1]:80" to "::1" and "80". */
static bool part(const char *text, char name[MOST_NAME], const char **port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || !colon[1] || strlen(colon + 1) > 5 || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    size_t size = (size_t)(colon - text);
    const bool bracket = size > 1 && *text == '[' && colon[-1] == ']';
    if (bracket) {
        text++;
        size -= 2;
    }
    if (size >= MOST_NAME || (!bracket && memchr(text, ':', size)))
        return false;
    memcpy(name, text, size);
    name[size] = 0;
    *port = colon + 1;
    return true;
}

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static void name_it(address *a)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    char name[64] = "?", port[8] = "?";
    if (!getsockname(a->socket, (struct sockaddr *)&at, &size))
        getnameinfo((struct sockaddr *)&at, size, name, sizeof name, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    a->loopback = is_loopback(&at);
    snprintf(a->url, sizeof a->url, strchr(name, ':') ? "http://[%s]:%s/" : "http://%s:%s/", name, port);
}

heed_status address_open(address *a, const char *text, heed_error *err)
{
    char name[MOST_NAME];
    const char *port;
    const int on = 1;
    struct addrinfo *found = NULL;
    *a = (address){.socket = -1};
    if (!part(text, name, &port))
        return heed_fail(err, HEED_E_USAGE, "--listen %s: expected ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:0", text);
    const int failed = getaddrinfo(*name ? name : NULL, port, &(struct addrinfo){.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, &found);
    if (failed)
        return heed_fail(err, HEED_E_USAGE, "--listen %s: %s", text, gai_strerror(failed));
    errno = 0;
    a->socket = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool good = a->socket >= 0 && !setsockopt(a->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
                      !bind(a->socket, found->ai_addr, found->ai_addrlen) && !listen(a->socket, BACKLOG);
    const int why = errno;
    freeaddrinfo(found);
    if (!good) {
        if (a->socket >= 0)
            close(a->socket);
        return heed_fail(err, HEED_E_IO, "--listen %s: %s; another address or port may be free, port 0 takes any", text, strerror(why));
    }
    name_it(a);
    return HEED_OK;
}

/* --- who may ask ---------------------------------------------------------------------------------------------------------------------------------- */

/* The name of a Host without its port, "[::1]:80" to "[::1]". */
static size_t name_size(const char *host)
{
    if (*host == '[') {
        const char *end = strchr(host, ']');
        return end ? (size_t)(end + 1 - host) : 0;
    }
    return strcspn(host, ":");
}

static bool is_named(const char *host, size_t size, const char *name) { return strlen(name) == size && !strncasecmp(host, name, size); }

static bool is_own_name(const char *host, size_t size)
{
    char text[MOST_NAME];
    struct in_addr address;
    if (is_named(host, size, "localhost") || is_named(host, size, "[::1]"))
        return true;
    if (size >= sizeof text)
        return false;
    memcpy(text, host, size);
    text[size] = 0;
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool host_fits(const address *a, const char *const *hosts, int host_count, const char *host)
{
    if (!a->loopback && !host_count)
        return true;
    const size_t size = host ? name_size(host) : 0;
    bool fits = size && is_own_name(host, size);
    for (int i = 0; i < host_count && size; i++)
        fits |= is_named(host, size, hosts[i]);
    return fits;
}

bool address_admits(const address *a, const char *const *hosts, int host_count, const char *host, const char *origin)
{
    if (!host_fits(a, hosts, host_count, host))
        return false;
    const char *from = origin ? strstr(origin, "://") : NULL;
    return !origin || (from && host && !strcasecmp(from + 3, host));
}
