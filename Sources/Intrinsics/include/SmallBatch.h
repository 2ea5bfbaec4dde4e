// Small batches (1 to 15 tokens): sixteen lanes, stored weights, and outputs of one token.
//
// Every function takes and gives sixteen F32 lanes, or points at unaligned F32. Constant shuffles are
// written as such, so that any instruction set can compile them; only the table lookup and the
// masked broadcasts differ, since LLVM does not find their AVX-512 forms.
#ifndef SMALL_BATCH_H
#define SMALL_BATCH_H

#include <stdbool.h>
#include <stdint.h>
#include "Inline.h"

// Inlined functions have no calling convention that could depend on the instruction set.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

typedef float small_batch_lanes __attribute__((vector_size(64)));
typedef uint32_t small_batch_selectors __attribute__((vector_size(64)));

typedef float small_batch_four __attribute__((vector_size(16), aligned(4), may_alias));
typedef float small_batch_eight __attribute__((vector_size(32), aligned(4), may_alias));

/// Sixteen floats from anywhere.
INLINE small_batch_lanes small_batch_at(const float *p) {
  small_batch_lanes a;
  __builtin_memcpy(&a, p, 64);
  return a;
}

/// Asks for the cache line at p, which may lie anywhere, to come into the L1 cache.
INLINE void small_batch_prefetch(const void *p) { __builtin_prefetch(p); }

/// Keeps a loaded vector in a register, so that LLVM shuffles it instead of broadcasting from memory
/// again.
INLINE small_batch_lanes small_batch_pin(small_batch_lanes a) {
#ifdef __AVX512F__
  __asm__("" : "+v"(a));
#endif
  return a;
}

typedef uint16_t small_batch_halves __attribute__((vector_size(32)));
typedef uint16_t small_batch_half_halves __attribute__((vector_size(16)));

/// Sixteen stored weights, 16 · vector and on; BF16 (the upper halves of floats) if `halves`.
INLINE small_batch_lanes small_batch_weights(const void *values, long vector, bool halves) {
  if (!halves) return small_batch_at((const float *)values + 16 * vector);
  small_batch_halves h;
  __builtin_memcpy(&h, (const uint16_t *)values + 16 * vector, 32);
  return (small_batch_lanes)(__builtin_convertvector(h, small_batch_selectors) << 16);
}

/// Eight stored weights w, 8 · chunk and on, as quarters w0-w3, w0-w3, w4-w7, w4-w7, pinned.
INLINE small_batch_lanes small_batch_eight_weights(const void *values, long chunk, bool halves) {
  small_batch_lanes w;
  if (halves) {
    small_batch_half_halves h;
    __builtin_memcpy(&h, (const uint16_t *)values + 8 * chunk, 16);
    small_batch_halves both =
        __builtin_shufflevector(h, h, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7);
    w = (small_batch_lanes)(__builtin_convertvector(both, small_batch_selectors) << 16);
  } else {
    const float *p = (const float *)values + 8 * chunk;
    small_batch_four low = *(const small_batch_four *)p;
    small_batch_four high = *(const small_batch_four *)(p + 4);
    w = __builtin_shufflevector(low, high, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7);
  }
  return small_batch_pin(w);
}

/// sum + a · b, fused where the instruction set can: C contracts it, Swift does not.
INLINE small_batch_lanes small_batch_fused(small_batch_lanes a, small_batch_lanes b,
                                           small_batch_lanes sum) {
  return a * b + sum;
}

/// Writes the sums of group `group`, sixteen outputs of one token, with their bias.
/// rows[16 · group + lane] is a lane's output, negative where the lane has none; runs[group] is 16, 8 or
/// 4 when outputs are consecutive within aligned lanes of that number, so that they leave in whole
/// vectors, and 1 otherwise. bias is in the order of the lanes. With `adding` y is added to.
INLINE void small_batch_put(small_batch_lanes sums, long group, float *y, const int32_t *rows,
                            const uint8_t *runs, const float *bias, bool adding) {
  rows += 16 * group;
  small_batch_lanes total = sums + small_batch_at(bias + 16 * group);
  if (runs[group] == 16) {
    if (adding) total += small_batch_at(y + rows[0]);
    __builtin_memcpy(y + rows[0], &total, 64);
  } else if (runs[group] == 8) {
    small_batch_eight low = __builtin_shufflevector(total, total, 0, 1, 2, 3, 4, 5, 6, 7);
    small_batch_eight high = __builtin_shufflevector(total, total, 8, 9, 10, 11, 12, 13, 14, 15);
    small_batch_eight *first = (small_batch_eight *)(y + rows[0]);
    small_batch_eight *second = (small_batch_eight *)(y + rows[8]);
    *first = adding ? low + *first : low;
    *second = adding ? high + *second : high;
  } else if (runs[group] == 4) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 4) {
      small_batch_four part = {total[i], total[i + 1], total[i + 2], total[i + 3]};
      small_batch_four *out = (small_batch_four *)(y + rows[i]);
      *out = adding ? part + *out : part;
    }
  } else {
    float lanes[16];
    __builtin_memcpy(lanes, &total, 64);
    for (int i = 0; i < 16; i++)
      if (rows[i] >= 0) y[rows[i]] = adding ? y[rows[i]] + lanes[i] : lanes[i];
  }
}

#pragma clang diagnostic pop

#endif
