#include "api/sides.h"

#include <string.h>

#include "base/number.h"

void heed_sides_name(heed_sides *s, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) s->name[s->count++] = names[i];
}

heed_status heed_sides_open(heed_sides *s, heed_error *err)
{
    bool standard = false;
    for (int i = 0; i < s->count; i++) {
        const bool is_standard = strcmp(s->name[i], "-") == 0;
        if (is_standard && standard) return heed_fail(err, HEED_E_USAGE, "standard input can be read once only; two files are \"-\"");
        standard |= is_standard;
        s->file[i] = heed_lines_open(is_standard ? "/dev/stdin" : s->name[i], err);
        if (!s->file[i]) return err->status;
    }
    return HEED_OK;
}

heed_status heed_sides_next(heed_sides *s, bool *end, heed_error *err)
{
    size_t size[HEED_MOST_SIDES];
    heed_status status = heed_beside_next(&(heed_beside){s->file, s->name, s->count}, s->text, size, end, err);
    if (status == HEED_OK && *end && heed_lines_number(s->file[0]) == 0)
        status = heed_fail(err, HEED_E_DATA, "%s: empty file: nothing to score", s->name[0]);
    return status;
}

heed_status heed_sides_refuse(const heed_sides *s, int i, heed_error *err)
{
    const heed_error why = *err;
    char line[HEED_GROUP_SIZE];
    return heed_fail(err, why.status, "%s: line %s: %s", s->name[i], heed_group(line, heed_lines_number(s->file[i])), why.text);
}

void heed_sides_close(heed_sides *s)
{
    for (int i = 0; i < s->count; i++) heed_lines_close(s->file[i]);
    *s = (heed_sides){0};
}

heed_status heed_sides_check_references(int count, heed_error *err)
{
    if (count >= 1 && count <= HEED_MOST_REFERENCES) return HEED_OK;
    return heed_fail(err, HEED_E_USAGE, "%d references; from 1 to %d can be given", count, HEED_MOST_REFERENCES);
}
