/* SHA-256 by libmd: base/digest.h. */
#include "base/digest.h"

#include <sys/types.h>
#include <sha2.h>

#include "base/machine.h"

enum { PIECE = 1 << 20 };

static void finish(char hex[65], SHA2_CTX *state)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    SHA256Final(bytes, state);
    for (size_t i = 0; i < sizeof bytes; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[64] = 0;
}

void heed_sha256(char hex[65], const void *data, size_t size)
{
    SHA2_CTX state;
    SHA256Init(&state);
    if (size) SHA256Update(&state, data, size);
    finish(hex, &state);
}

void heed_sha256_mapped(char hex[65], const unsigned char *data, size_t size)
{
    SHA2_CTX state;
    SHA256Init(&state);
    for (size_t at = 0; at < size; at += PIECE) {
        const size_t n = size - at < PIECE ? size - at : PIECE;
        SHA256Update(&state, data + at, n);
        heed_pages_drop(data + at, n);
    }
    finish(hex, &state);
}
