/* heed: one program over heed.h. Flags to options, one call into the library, its answer to standard output. */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

enum { LARGE_BLOCK = 1 << 20 };   /* bytes */

typedef struct front { cli_globals globals; bool version; } front;

static const cli_option front_options[] = {
    {"--version", NULL, CLI_FLAG, offsetof(front, version), "the version and what the library was built with"},
    {0},
};

const cli_option *cli_global_options(void)
{
    static const cli_option options[] = {
        {"--threads", "N", CLI_WHOLE, offsetof(cli_globals, threads), "threads to use; default: all cores this process may use"},
        {"-q", NULL, CLI_FLAG, offsetof(cli_globals, quiet), "say nothing but results and errors"},
        {0},
    };
    return options;
}

const cli_command *const *cli_commands(void)
{
    static const cli_command *const commands[] = {
#define CLI_COMMAND(name) &cli_##name,
#include "commands.def"
#undef CLI_COMMAND
        NULL,
    };
    return commands;
}

const cli_command *cli_command_find(const char *name)
{
    for (const cli_command *const *c = cli_commands(); *c; c++)
        if (!strcmp((*c)->name, name))
            return *c;
    return NULL;
}

static int print_version(void)
{
    const char *made_of = strstr(heed_build(), ", ");
    printf("heed %s\n%s%s", heed_version(), made_of ? made_of + 2 : "", made_of ? "\n" : "");
    return EXIT_OK;
}

static int unknown_command(const char *name)
{
    const char *names[CLI_MANY] = {0};
    for (int i = 0; cli_commands()[i] && i + 1 < CLI_MANY; i++)
        names[i] = cli_commands()[i]->name;
    const char *near = cli_nearest(name, names);
    return near ? cli_usage_error("unknown command \"%s\"; did you mean %s?", name, near)
                : cli_usage_error("unknown command \"%s\"; `heed help` lists them", name);
}

static int dispatch(int argc, char **argv)
{
    front f = {0};
    int at = 0;
    cli_table tables[] = {{front_options, &f}, {cli_global_options(), &f.globals}};
    cli_parsed parsed = cli_options_parse(NULL, tables, 2, argc, argv, true, &at, NULL);
    if (parsed == CLI_PARSED_WRONG)
        return EXIT_USAGE;
    if (parsed == CLI_PARSED_HELP) {
        cli_print_overview(stdout);
        return EXIT_OK;
    }
    if (f.version)
        return print_version();
    if (at == argc) {
        cli_print_overview(stderr);
        return EXIT_USAGE;
    }
    const cli_command *c = cli_command_find(argv[at]);
    return c ? c->run(c, &f.globals, argc - at - 1, argv + at + 1) : unknown_command(argv[at]);
}

/* A result that did not reach its file is a failure, however late the system says so. */
static int close_output(int code)
{
    bool broken = ferror(stdout);
    errno = 0;
    if (fclose(stdout) || broken) {
        cli_complain("standard output cannot be written: %s", errno ? strerror(errno) : "is the disk full?");
        return code ? code : EXIT_OUTSIDE;
    }
    return code;
}

/* GNU OpenMP's threads spin for milliseconds when they wait for each other. On a machine with other work that is ruinous: two trainings side by
 * side on two cores took 2 to 8 times longer than with a short spin. The library reads its environment before main, hence the second start. */
static void wait_briefly(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    setenv("GOMP_SPINCOUNT", "1000", 1);
    execv("/proc/self/exe", argv);
}

#if defined(__GLIBC__)
/* Once a large block is freed, glibc takes blocks up to its size from the heap, where holes stay: a training that validates as it goes held a third more than it
 * used. Large blocks come from the system and go back to it. */
static void give_blocks_back(void) { mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK); }
#else
static void give_blocks_back(void) {}
#endif

int main(int argc, char **argv)
{
    wait_briefly(argv);
    give_blocks_back();
    setlocale(LC_CTYPE, "");
    return close_output(dispatch(argc - 1, argv + 1));
}
