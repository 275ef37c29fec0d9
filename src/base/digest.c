/* SHA-256 by libmd: base/digest.h. */
#include "base/digest.h"

#include <sys/types.h>
#include <sha2.h>

void heed_sha256(char hex[65], const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    SHA2_CTX state;
    SHA256Init(&state);
    if (size) SHA256Update(&state, data, size);
    SHA256Final(bytes, &state);
    for (size_t i = 0; i < sizeof bytes; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[64] = 0;
}
