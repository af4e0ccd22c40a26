// What Swift cannot ask for itself: its Glibc lacks malloc.h, and Swift 6 refuses mach_task_self_, a variable that any
// thread could write.
#include "process_facts.h"

#ifdef __APPLE__

#include <mach/mach.h>
#include <malloc/malloc.h>

static task_vm_info_data_t facts(void) {
  task_vm_info_data_t found = {0};
  mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
  if (task_info(mach_task_self(), TASK_VM_INFO, (task_info_t)&found, &count) != KERN_SUCCESS) {
    return (task_vm_info_data_t){0};
  }
  return found;
}

uint64_t mvmoe_footprint_bytes(void) { return facts().phys_footprint; }

uint64_t mvmoe_peak_resident_bytes(void) { return facts().resident_size_peak; }

uint64_t mvmoe_heap_bytes(void) {
  malloc_statistics_t found = {0};
  malloc_zone_statistics(NULL, &found);
  return found.size_in_use;
}

void mvmoe_return_free_memory(void) { malloc_zone_pressure_relief(NULL, 0); }

#else

#include <malloc.h>

uint64_t mvmoe_heap_bytes(void) {
  struct mallinfo2 found = mallinfo2();
  return found.uordblks + found.hblkhd;
}

void mvmoe_return_free_memory(void) { malloc_trim(0); }

#endif
