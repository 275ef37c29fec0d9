/* For tests that may run under an emulator of another processor (make check-neon): HEED_EMULATOR is then the program that runs them. */
#ifndef HEED_TESTS_SUPPORT_EMULATOR_H
#define HEED_TESTS_SUPPORT_EMULATOR_H

#include <stdbool.h>
#include <stdint.h>

bool emulated(void);
/* In place of the process that calls: this very program with that one argument, under the emulator if there is one. Returns only when that fails. */
void run_again(const char *argument);
/* How many of `all` drawn cases are run: an emulator takes some thirty times as long for each, there it is an eighth. */
uint64_t emulated_share(uint64_t all);

#endif
