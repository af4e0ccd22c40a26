// What Swift cannot ask for itself: its Glibc lacks malloc.h, and Swift 6 refuses mach_task_self_, a variable that any
// thread could write.
#include "process_facts.h"

#ifdef __APPLE__

#include <mach/mach.h>
#include <malloc/malloc.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <unistd.h>

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

uint64_t mvmoe_process_age_nanoseconds(void) {
  struct kinfo_proc found = {0};
  size_t size = sizeof(found);
  int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, getpid()};
  struct timeval now;
  if (sysctl(name, 4, &found, &size, NULL, 0) != 0 || size == 0 || gettimeofday(&now, NULL) != 0) return 0;
  // By the time of day, which may have been set meanwhile.
  int64_t age = (int64_t)(now.tv_sec - found.kp_proc.p_starttime.tv_sec) * 1000000 + now.tv_usec -
                found.kp_proc.p_starttime.tv_usec;
  return age > 0 ? (uint64_t)age * 1000 : 0;
}

#else

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t mvmoe_heap_bytes(void) {
  struct mallinfo2 found = mallinfo2();
  return found.uordblks + found.hblkhd;
}

void mvmoe_return_free_memory(void) { malloc_trim(0); }

// Clock ticks from the machine's start to the process's: field 22. Field 2 is a name, which may hold any characters.
static unsigned long long started_ticks(void) {
  char text[1024];
  FILE *file = fopen("/proc/self/stat", "r");
  if (file == NULL) return 0;
  text[fread(text, 1, sizeof(text) - 1, file)] = 0;
  fclose(file);
  const char *place = strrchr(text, ')');
  for (int field = 3; place != NULL && field <= 22; field++) {
    place = strchr(place, ' ');
    if (place != NULL) place++;
  }
  return place == NULL ? 0 : strtoull(place, NULL, 10);
}

uint64_t mvmoe_process_age_nanoseconds(void) {
  struct timespec now;
  unsigned long long ticks = started_ticks();
  long hertz = sysconf(_SC_CLK_TCK);
  if (ticks == 0 || hertz <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  int64_t age = ((int64_t)now.tv_sec - (int64_t)(ticks / hertz)) * 1000000000 + now.tv_nsec -
                (int64_t)(ticks % hertz) * (1000000000 / hertz);
  return age > 0 ? (uint64_t)age : 0;
}

#endif
