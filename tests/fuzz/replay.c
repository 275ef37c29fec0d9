/* Replays a corpus where there is no libFuzzer: fuzz_NAME DIRECTORY. Each file is given to the target whole, cut short at places spread over
 * it, and with single bytes changed; the same inputs every time. An empty corpus is a failure, since it would test nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 64, CHANGES = 256, LARGEST = 1 << 20 };

/* The target gets a block of just its size, so that a sanitizer sees the first byte read beyond. */
static int run_target(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 1;
}

static int replay_variants(uint8_t *data, size_t size)
{
    static const uint8_t values[] = {0x00, 0xFF, 0x80, '"', '{', '9', '-', '\n'};
    int runs = run_target(data, size);
    for (size_t i = 0; i < CUTS && i < size; i++) runs += run_target(data, size < CUTS ? i : size * i / CUTS);
    for (size_t i = 0; i < CHANGES && size; i++) {
        size_t at = size < CHANGES ? i % size : size * i / CHANGES;
        uint8_t before = data[at];
        data[at] = values[(i + i / size) % sizeof values];
        runs += run_target(data, size);
        data[at] = before;
    }
    return runs;
}

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(LARGEST);
    int runs = 0;
    if (f && data) {
        size_t size = fread(data, 1, LARGEST, f);
        if (!ferror(f)) runs = replay_variants(data, size);
    }
    if (f) fclose(f);
    free(data);
    return runs;
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    struct dirent **entries;
    int count = scandir(argv[1], &entries, NULL, alphasort), files = 0, runs = 0, unread = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && length > 0 && length < (int)sizeof path) {
            printf("%s\n", path);   /* a crash is the fault of the last one named */
            fflush(stdout);
            int done = replay_file(path);
            files++;
            runs += done;
            unread += !done;
        }
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    printf("%s - %s: %d files, %d inputs\n", files && !unread ? "ok" : "not ok", name, files, runs);
    return files && !unread ? 0 : 1;
}
