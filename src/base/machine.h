/* What the machine and its settings allow this process, and what it has taken. Zeros where the system does not tell. */
#ifndef HEED_BASE_MACHINE_H
#define HEED_BASE_MACHINE_H

#include <stddef.h>

/* The least of the memory built in, the limits of this process's control groups (and those above), and its limit of address space. */
size_t heed_machine_memory(void);
size_t heed_process_resident(void);      /* bytes in memory now */
size_t heed_process_peak(void);          /* the most there were at a time since the program began */
/* Gives the whole pages among these bytes back to the system, which has them again when they are next touched: zeros, or what the mapped file holds. */
void heed_pages_drop(const void *from, size_t bytes);
/* Makes them zeros; the whole pages among them take no memory until they are next written. Not of a mapped file. */
void heed_pages_clear(void *from, size_t bytes);

#endif
