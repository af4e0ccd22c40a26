#ifndef MVMOE_PROCESS_FACTS_H
#define MVMOE_PROCESS_FACTS_H

#include <stdint.h>

/// Bytes of the heap that are in use.
uint64_t mvmoe_heap_bytes(void);

/// Gives pages back to the system that the heap keeps although nothing is in them.
void mvmoe_return_free_memory(void);

/// How long this process has been there, in nanoseconds; 0 where the system does not say.
uint64_t mvmoe_process_age_nanoseconds(void);

#ifdef __APPLE__

/// What Apple's systems count for this process (`phys_footprint`), in bytes; 0 where the system does not say.
uint64_t mvmoe_footprint_bytes(void);

/// The most that this process ever had resident, in bytes; 0 where the system does not say.
uint64_t mvmoe_peak_resident_bytes(void);

#endif

#endif
