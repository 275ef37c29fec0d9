/* A server for a test: support/server.h. */
#define _GNU_SOURCE
#include "support/server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become_server(const char *model, const char *options, int out)
{
    const char *program = getenv("HEED") ? getenv("HEED") : "build/heed";
    const char *list[32] = {program, "-q", "serve", model, "--listen", "127.0.0.1:0"};
    char words[256];
    int count = 6;
    snprintf(words, sizeof words, "%s", options);
    for (char *at = words; at && *at && count < 31;) {
        list[count++] = strsep(&at, " ");
        if (!at) break;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(out, 1) < 0) _exit(126);
    execv(program, (char *const *)list);
    _exit(127);
}

server server_start(const char *model, const char *options)
{
    server s = {0};
    int out[2];
    if (pipe2(out, O_CLOEXEC)) exit(1);
    s.pid = fork();
    if (!s.pid) become_server(model, options, out[1]);
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    if (!f || !fgets(s.url, sizeof s.url, f) || sscanf(s.url, "http://127.0.0.1:%d/", &s.port) != 1) {
        fprintf(stderr, "server: heed serve %s %s gives no address\n", model, options);
        exit(1);
    }
    s.url[strcspn(s.url, "\n")] = 0;
    fclose(f);
    return s;
}

int server_wait(server *s)
{
    int status = 0;
    waitpid(s->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int server_stop(server *s)
{
    kill(s->pid, SIGTERM);
    return server_wait(s);
}
