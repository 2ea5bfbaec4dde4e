// The few instructions and one-liners that Swift does not name. Everything here is a C one-liner or a
// fixed shuffle network; each function is inlined into the Swift that calls it.
#ifndef INTRINSICS_H
#define INTRINSICS_H

#include <pthread.h>

#include "Inline.h"
#include "Quads.h"
#include "Scores.h"
#include "SmallBatch.h"
#include "SmallBatchLanes.h"
#include "SmallBatchPanels.h"
#include "TrainingLanes.h"
#include "Transpose.h"

/// 4 with AVX-512 (F, BW, CD, DQ, VL), 3 with AVX2 and FMA, 0 otherwise and on other architectures.
int cpu_vector_level(void);

/// The processor that the caller runs on, -1 where that is not known.
int cpu_current(void);

/// Lets a thread run on every processor that the caller may use but this one, if there is another.
void cpu_avoid(pthread_t thread, int cpu);

/// The hint of a spinning wait.
INLINE void cpu_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Asks for the cache line of an address that need not be readable.
INLINE void prefetch_line(const void *address) { __builtin_prefetch(address, 0, 3); }

/// The same value, in a general register of its own: a row of them is not moved as a vector through
/// memory.
INLINE unsigned long in_register(unsigned long value) {
  __asm__("" : "+r"(value));
  return value;
}

/// One bit for each of 64 consecutive codes that is at least `bound`, the first code in the lowest bit.
INLINE unsigned long codes_from(const unsigned char *codes, unsigned char bound) {
#if defined(__SSE2__)
  typedef char bytes16 __attribute__((vector_size(16), aligned(1)));
  typedef unsigned char codes16 __attribute__((vector_size(16), aligned(1)));
  unsigned long bits = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    codes16 some;
    __builtin_memcpy(&some, codes + 16 * i, 16);
    bytes16 reached = (bytes16)(some >= bound);
    bits |= (unsigned long)(unsigned)__builtin_ia32_pmovmskb128(reached) << (16 * i);
  }
  return bits;
#else
  unsigned long bits = 0;
  for (int i = 0; i < 64; i++) bits |= (unsigned long)(codes[i] >= bound) << i;
  return bits;
#endif
}

/// Asks for a cache line that is wanted in about a microsecond: into the second level, so that it does not
/// push out what is in use. Any address may be given.
INLINE void prefetch_far(const void *line) { __builtin_prefetch(line, 0, 2); }

/// Asks for a cache line that is about to be written: its old content is fetched while there is other work.
INLINE void prefetch_write(const void *line) {
#if defined(__x86_64__)
  // Without an option that names it the compiler takes the instruction for reading instead.
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
  __builtin_prefetch(line, 1, 3);
#endif
}

#endif
