#define _GNU_SOURCE
#include "Intrinsics.h"

int cpu_vector_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  int level3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  int level4 = level3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
  return level4 ? 4 : level3 ? 3 : 0;
#else
  return 0;
#endif
}

#if defined(__linux__)
#include <sched.h>

int cpu_current(void) { return sched_getcpu(); }

void cpu_avoid(pthread_t thread, int cpu) {
  cpu_set_t allowed;
  if (cpu < 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  CPU_CLR(cpu, &allowed);
  if (CPU_COUNT(&allowed) > 0) pthread_setaffinity_np(thread, sizeof allowed, &allowed);
}
#else
int cpu_current(void) { return -1; }
void cpu_avoid(pthread_t thread, int cpu) {}
#endif
