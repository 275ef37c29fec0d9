/* A server for a test: page/server.h. */
#define _GNU_SOURCE
#include "page/server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become_server(int out)
{
    const char *program = getenv("HEED") ? getenv("HEED") : "build/heed";
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(out, 1) < 0) _exit(126);
    execl(program, program, "-q", "serve", "models/g2p-en", "--listen", "127.0.0.1:0", "--threads", "1", (char *)NULL);
    _exit(127);
}

server server_start(void)
{
    server s = {0};
    int out[2];
    if (pipe2(out, O_CLOEXEC)) exit(1);
    s.pid = fork();
    if (!s.pid) become_server(out[1]);
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    if (!f || !fgets(s.url, sizeof s.url, f) || strncmp(s.url, "http://", 7)) {
        fputs("server: heed serve models/g2p-en gives no address\n", stderr);
        exit(1);
    }
    s.url[strcspn(s.url, "\n")] = 0;
    fclose(f);
    return s;
}

int server_stop(server *s)
{
    int status = 0;
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
