#include "data/beside.h"

#include "base/number.h"
#include "base/unicode.h"
#include "base/utf8.h"

heed_status heed_beside_read(const heed_beside *b, char **text, size_t *size, bool *end, heed_error *err)
{
    char line[HEED_GROUP_SIZE];
    int over = 0, shorter = 0, longer = 0;
    for (int i = 0; i < b->count; i++) {
        bool ended;
        heed_status status = heed_lines_next(b->file[i], &text[i], &size[i], &ended, err);
        if (status != HEED_OK) return status;
        *(ended ? &shorter : &longer) = i;
        over += ended;
        if (!ended && size[i] && text[i][size[i] - 1] == '\r') text[i][--size[i]] = 0;
    }
    *end = over == b->count;
    if (over == 0 || *end) return HEED_OK;
    return heed_fail(err, HEED_E_DATA, "%s ends after line %s, but %s goes on; both must have the same number of lines", b->name[shorter],
                     heed_group(line, heed_lines_number(b->file[shorter])), b->name[longer]);
}

heed_status heed_beside_refuse(const heed_beside *b, int i, const char *where, const char *text, size_t size, size_t at, const char *remedy, heed_error *err)
{
    char complaint[64], line[HEED_GROUP_SIZE];
    heed_utf8_complaint(complaint, sizeof complaint, text, size, at);
    return heed_fail(err, HEED_E_DATA, "%s: line %s: %s%s; fix the line%s", b->name[i], heed_group(line, heed_lines_number(b->file[i])), where, complaint, remedy);
}

heed_status heed_beside_next(const heed_beside *b, char **text, size_t *size, bool *end, heed_error *err)
{
    heed_status status = heed_beside_read(b, text, size, end, err);
    for (int i = 0; i < b->count && !status && !*end; i++) {
        const size_t good = heed_utf8_check_line(text[i], size[i]);
        if (good < size[i]) status = heed_beside_refuse(b, i, "", text[i], size[i], good, "", err);
    }
    return status;
}
