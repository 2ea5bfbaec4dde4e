// The few instructions and one-liners that Swift does not name. Everything here is a C one-liner or a
// fixed shuffle network; each function is inlined into the Swift that calls it.
#ifndef INTRINSICS_H
#define INTRINSICS_H

#include <pthread.h>

#define INLINE static inline __attribute__((always_inline))

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

typedef float float16x __attribute__((vector_size(64), aligned(4)));
typedef float float8x __attribute__((vector_size(32), aligned(4)));

/// `target[column · targetStride + row] = source[row · sourceStride + column]` for a 16 x 16 tile.
/// Strides in floats; nothing need be aligned. Four rounds of interleaving with distance 8, 4, 2, 1.
INLINE void transpose_16x16(
    const float *source, long sourceStride, float *target, long targetStride) {
  float16x a[16], b[16];
#define LOW(p, q) __builtin_shufflevector(p, q, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH(p, q) \
  __builtin_shufflevector(p, q, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LOW2(p, q) __builtin_shufflevector(p, q, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH2(p, q) \
  __builtin_shufflevector(p, q, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define EVEN4(p, q) \
  __builtin_shufflevector(p, q, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD4(p, q) \
  __builtin_shufflevector(p, q, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) __builtin_memcpy(&a[i], source + i * sourceStride, 64);
  // Within each 128-bit lane: 4x4 transposes of rows 4g..4g+3.
#pragma clang loop unroll(full)
  for (int g = 0; g < 16; g += 4) {
    float16x p = LOW(a[g], a[g + 1]), q = HIGH(a[g], a[g + 1]);
    float16x r = LOW(a[g + 2], a[g + 3]), s = HIGH(a[g + 2], a[g + 3]);
    b[g] = LOW2(p, r), b[g + 1] = HIGH2(p, r), b[g + 2] = LOW2(q, s), b[g + 3] = HIGH2(q, s);
  }
  // Then the 4x4 transpose of the lanes themselves.
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++) {
    float16x p = EVEN4(b[k], b[k + 4]), q = ODD4(b[k], b[k + 4]);
    float16x r = EVEN4(b[k + 8], b[k + 12]), s = ODD4(b[k + 8], b[k + 12]);
    float16x column0 = EVEN4(p, r), column8 = ODD4(p, r);
    float16x column4 = EVEN4(q, s), column12 = ODD4(q, s);
    __builtin_memcpy(target + k * targetStride, &column0, 64);
    __builtin_memcpy(target + (k + 4) * targetStride, &column4, 64);
    __builtin_memcpy(target + (k + 8) * targetStride, &column8, 64);
    __builtin_memcpy(target + (k + 12) * targetStride, &column12, 64);
  }
#undef LOW
#undef HIGH
#undef LOW2
#undef HIGH2
#undef EVEN4
#undef ODD4
}

/// The same for an 8 x 8 tile.
INLINE void transpose_8x8(const float *source, long sourceStride, float *target, long targetStride) {
  float8x a[8], b[8];
#define LOW(p, q) __builtin_shufflevector(p, q, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(p, q) __builtin_shufflevector(p, q, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW2(p, q) __builtin_shufflevector(p, q, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH2(p, q) __builtin_shufflevector(p, q, 2, 3, 10, 11, 6, 7, 14, 15)
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) __builtin_memcpy(&a[i], source + i * sourceStride, 32);
#pragma clang loop unroll(full)
  for (int g = 0; g < 8; g += 4) {
    float8x p = LOW(a[g], a[g + 1]), q = HIGH(a[g], a[g + 1]);
    float8x r = LOW(a[g + 2], a[g + 3]), s = HIGH(a[g + 2], a[g + 3]);
    b[g] = LOW2(p, r), b[g + 1] = HIGH2(p, r), b[g + 2] = LOW2(q, s), b[g + 3] = HIGH2(q, s);
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++) {
    float8x low = __builtin_shufflevector(b[k], b[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    float8x high = __builtin_shufflevector(b[k], b[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    __builtin_memcpy(target + k * targetStride, &low, 32);
    __builtin_memcpy(target + (k + 4) * targetStride, &high, 32);
  }
#undef LOW
#undef HIGH
#undef LOW2
#undef HIGH2
}

#ifdef __AVX512F__
#include <immintrin.h>

/// Four floats repeated in the four lanes. The barrier keeps the compiler from turning each later
/// permutation back into a broadcast load: loads are what single-row kernels are short of.
INLINE __m512 quad(const float *four) {
  __m512 lanes = _mm512_broadcast_f32x4(_mm_loadu_ps(four));
  __asm__("" : "+v"(lanes));
  return lanes;
}

/// Element `i` (0...3) of a quad in all places.
INLINE __m512 quad_element(__m512 lanes, int i) {
  return i == 0   ? _mm512_permute_ps(lanes, 0x00)
         : i == 1 ? _mm512_permute_ps(lanes, 0x55)
         : i == 2 ? _mm512_permute_ps(lanes, 0xaa)
                  : _mm512_permute_ps(lanes, 0xff);
}
#endif

// ---- Small batches (1 to 15 tokens) -------------------------------------------------------------
// Every function takes and gives sixteen F32 lanes, or points at unaligned F32. Constant shuffles are
// written as such, so that any instruction set can compile them; only the table lookup and the
// masked broadcasts differ, since LLVM does not find their AVX-512 forms.
#include <stdbool.h>
#include <stdint.h>

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

/// Lane i: entry index[i] (0...31) of the table low, high.
INLINE small_batch_lanes small_batch_lookup(small_batch_lanes low, small_batch_lanes high,
                                                 const uint8_t *index) {
#ifdef __AVX512F__
  __m512i lanes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)index));
  return (small_batch_lanes)_mm512_permutex2var_ps((__m512)low, lanes, (__m512)high);
#else
  float table[32];
  small_batch_lanes result;
  __builtin_memcpy(table, &low, 64);
  __builtin_memcpy(table + 16, &high, 64);
  for (int i = 0; i < 16; i++) result[i] = table[index[i] & 31];
  return result;
#endif
}

/// Lanes of each 128-bit quarter of x picked by bits `shift` and `shift + 1` of its selectors.
INLINE small_batch_lanes small_batch_pick(small_batch_lanes x, small_batch_selectors selectors,
                                          long shift) {
#ifdef __AVX512F__
  __m512i s = _mm512_srli_epi32((__m512i)selectors, (unsigned)shift);
  return (small_batch_lanes)_mm512_permutevar_ps((__m512)x, s);
#else
  small_batch_lanes result;
  for (int i = 0; i < 16; i++) result[i] = x[(i & 12) + (int)(selectors[i] >> shift & 3)];
  return result;
#endif
}

/// a eight times, then b eight times.
INLINE small_batch_lanes small_batch_two(const float *a, const float *b) {
#ifdef __AVX512F__
  __m512 x = _mm512_broadcastss_ps(_mm_load_ss(a));
  return (small_batch_lanes)_mm512_mask_broadcastss_ps(x, 0xff00, _mm_load_ss(b));
#else
  return (small_batch_lanes){*a, *a, *a, *a, *a, *a, *a, *a, *b, *b, *b, *b, *b, *b, *b, *b};
#endif
}

/// a, b, c and d four times each.
INLINE small_batch_lanes small_batch_four_of(const float *a, const float *b, const float *c,
                                                  const float *d) {
#ifdef __AVX512F__
  __m512 x = _mm512_broadcastss_ps(_mm_load_ss(a));
  x = _mm512_mask_broadcastss_ps(x, 0x00f0, _mm_load_ss(b));
  x = _mm512_mask_broadcastss_ps(x, 0x0f00, _mm_load_ss(c));
  return (small_batch_lanes)_mm512_mask_broadcastss_ps(x, 0xf000, _mm_load_ss(d));
#else
  return (small_batch_lanes){*a, *a, *a, *a, *b, *b, *b, *b, *c, *c, *c, *c, *d, *d, *d, *d};
#endif
}

/// Eight floats at a, then eight at b.
INLINE small_batch_lanes small_batch_eights(const float *a, const float *b) {
  small_batch_eight x = *(const small_batch_eight *)a, y = *(const small_batch_eight *)b;
  return __builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// Four floats at each of a, b, c and d.
INLINE small_batch_lanes small_batch_fours(const float *a, const float *b, const float *c,
                                                const float *d) {
#ifdef __AVX512F__
  __m512 x = _mm512_broadcast_f32x4(_mm_loadu_ps(a));
  x = _mm512_mask_broadcast_f32x4(x, 0x00f0, _mm_loadu_ps(b));
  x = _mm512_mask_broadcast_f32x4(x, 0x0f00, _mm_loadu_ps(c));
  return (small_batch_lanes)_mm512_mask_broadcast_f32x4(x, 0xf000, _mm_loadu_ps(d));
#else
  small_batch_four w = *(const small_batch_four *)a, x = *(const small_batch_four *)b;
  small_batch_four y = *(const small_batch_four *)c, z = *(const small_batch_four *)d;
  small_batch_eight low = __builtin_shufflevector(w, x, 0, 1, 2, 3, 4, 5, 6, 7);
  small_batch_eight high = __builtin_shufflevector(y, z, 0, 1, 2, 3, 4, 5, 6, 7);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

/// The four floats at a, four times.
INLINE small_batch_lanes small_batch_repeat_four(const float *a) {
  small_batch_four x = *(const small_batch_four *)a;
  return __builtin_shufflevector(x, x, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
}

/// Sums of neighbouring lanes: eight of a, then eight of b.
INLINE small_batch_lanes small_batch_add_neighbours(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
         __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

/// Lower plus upper half: eight sums of a, then eight of b.
INLINE small_batch_lanes small_batch_add_halves(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
         __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

/// First plus second and third plus fourth quarter: of a, then of b.
INLINE small_batch_lanes small_batch_add_quarters(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
         __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

/// Quarters 0, 0, 2, 2 of w, pinned.
INLINE small_batch_lanes small_batch_even_quarters(small_batch_lanes w) {
  return small_batch_pin(__builtin_shufflevector(
      w, w, 0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11));
}
/// Quarters 1, 1, 3, 3 of w, pinned.
INLINE small_batch_lanes small_batch_odd_quarters(small_batch_lanes w) {
  return small_batch_pin(__builtin_shufflevector(
      w, w, 4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15));
}
/// Quarters 0, 0, 1, 1 of w, pinned.
INLINE small_batch_lanes small_batch_low_quarters(small_batch_lanes w) {
  return small_batch_pin(__builtin_shufflevector(
      w, w, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7));
}
/// Quarters 2, 2, 3, 3 of w, pinned.
INLINE small_batch_lanes small_batch_high_quarters(small_batch_lanes w) {
  return small_batch_pin(__builtin_shufflevector(
      w, w, 8, 9, 10, 11, 8, 9, 10, 11, 12, 13, 14, 15, 12, 13, 14, 15));
}

/// Lane i (0...3) of each quarter in the whole quarter: within quarters a permutation is cheaper than
/// across them (8x1 at eight tokens, in the loop: 1.39 against 1.61 ns a vector on Zen 5, 2026-11).
INLINE small_batch_lanes small_batch_spread(small_batch_lanes w, long i) {
  return i == 0   ? __builtin_shufflevector(w, w, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12)
         : i == 1 ? __builtin_shufflevector(w, w, 1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9, 13, 13, 13, 13)
         : i == 2
             ? __builtin_shufflevector(w, w, 2, 2, 2, 2, 6, 6, 6, 6, 10, 10, 10, 10, 14, 14, 14, 14)
             : __builtin_shufflevector(w, w, 3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15);
}

/// One step of a 16 x 8 transposition: `low` picks the lower lanes of each pair of 32-bit lanes.
INLINE small_batch_lanes small_batch_zip_low(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
}
INLINE small_batch_lanes small_batch_zip_high(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
}
INLINE small_batch_lanes small_batch_zip_pairs_low(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
}
INLINE small_batch_lanes small_batch_zip_pairs_high(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
/// Quarters 0 of a and b, then quarters 1 of a and b.
INLINE small_batch_lanes small_batch_join_low(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
}
/// Quarters 2 of a and b, then quarters 3 of a and b.
INLINE small_batch_lanes small_batch_join_high(small_batch_lanes a, small_batch_lanes b) {
  return __builtin_shufflevector(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
}
/// Eight tokens of output `row`, none if that is negative; lower lanes of `sums` if `upper` is false.
/// Added to y with `adding`; tokens from `tokens` on become 0.
INLINE void small_batch_put_sum(small_batch_lanes sums, bool upper, float *y, long row, long tokens,
                                bool adding) {
  if (row < 0) return;
  small_batch_eight low = __builtin_shufflevector(sums, sums, 0, 1, 2, 3, 4, 5, 6, 7);
  small_batch_eight high = __builtin_shufflevector(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15);
  small_batch_eight total = upper ? high : low;
  small_batch_eight *out = (small_batch_eight *)(y + 8 * row);
  if (adding) total += *out;
  if (tokens < 8)
    for (int i = 0; i < 8; i++) total[i] = i < tokens ? total[i] : 0;
  *out = total;
}

/// Writes eight tokens of the output rows[lane], lower lanes of `sums` if `upper` is false: with its
/// bias, or added to y; tokens from `tokens` on become 0. Nothing is written where rows[lane] < 0.
INLINE void small_batch_put_row(small_batch_lanes sums, bool upper, long lane, float *y,
                                const int32_t *rows, const float *bias, long tokens, bool adding) {
  small_batch_put_sum(sums + bias[lane], upper, y, rows[lane], tokens, adding);
}

/// The same for the outputs of lanes `lane` and `lane + 1`, in one store if they are neighbours.
INLINE void small_batch_put_rows(small_batch_lanes sums, long lane, float *y, const int32_t *rows,
                                 const float *bias, long tokens, bool adding) {
  if (rows[lane] >= 0 && rows[lane + 1] == rows[lane] + 1 && tokens == 8 && !adding) {
    small_batch_lanes total = sums + small_batch_two(bias + lane, bias + lane + 1);
    __builtin_memcpy(y + 8 * (long)rows[lane], &total, 64);
  } else {
    small_batch_put_row(sums, false, lane, y, rows, bias, tokens, adding);
    small_batch_put_row(sums, true, lane + 1, y, rows, bias, tokens, adding);
  }
}

/// Outputs of lanes `lane` and `lane + 1`, which are neighbours, eight tokens each, with their bias.
INLINE void small_batch_put_pair(small_batch_lanes sums, long lane, float *y, const int32_t *rows,
                                 const float *bias) {
  small_batch_lanes total = sums + small_batch_two(bias + lane, bias + lane + 1);
  __builtin_memcpy(y + 8 * (long)rows[lane], &total, 64);
}

/// Eight tokens of an output at y and eight of the fourth one after it.
INLINE void small_batch_put_apart(small_batch_lanes sums, float *y) {
  *(small_batch_eight *)y = __builtin_shufflevector(sums, sums, 0, 1, 2, 3, 4, 5, 6, 7);
  *(small_batch_eight *)(y + 32) =
      __builtin_shufflevector(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// From [4 inputs][8 tokens] to [8 tokens][4 inputs].
INLINE void small_batch_turn(const float *x, float *target) {
  small_batch_lanes a = small_batch_at(x), b = small_batch_at(x + 16);
  small_batch_lanes low =
      __builtin_shufflevector(a, b, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
  small_batch_lanes high =
      __builtin_shufflevector(a, b, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
  __builtin_memcpy(target, &low, 64);
  __builtin_memcpy(target + 16, &high, 64);
}

/// Square roots of all lanes; Swift's own take them one by one.
INLINE small_batch_lanes training_root(small_batch_lanes a) {
  return __builtin_elementwise_sqrt(a);
}

/// From [16 inputs][8 tokens] to [8 tokens][16 inputs].
INLINE void small_batch_turn_sixteen(const float *x, float *target) {
  small_batch_lanes quads[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) small_batch_turn(x + 32 * i, (float *)(quads + 2 * i));
#pragma clang loop unroll(full)
  for (int i = 0; i < 2; i++) {
    small_batch_lanes a = quads[i], b = quads[i + 2], c = quads[i + 4], d = quads[i + 6];
#define JOIN(p, q, first)                                                                          \
  __builtin_shufflevector(p, q, first, first + 1, first + 2, first + 3, first + 4, first + 5,      \
                          first + 6, first + 7, first + 16, first + 17, first + 18, first + 19,    \
                          first + 20, first + 21, first + 22, first + 23)
#define EVEN(p, q) \
  __builtin_shufflevector(p, q, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD(p, q) \
  __builtin_shufflevector(p, q, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
    small_batch_lanes ab = JOIN(a, b, 0), cd = JOIN(c, d, 0);
    small_batch_lanes ab2 = JOIN(a, b, 8), cd2 = JOIN(c, d, 8);
    small_batch_lanes tokens[4] = {EVEN(ab, cd), ODD(ab, cd), EVEN(ab2, cd2), ODD(ab2, cd2)};
#undef JOIN
#undef EVEN
#undef ODD
    __builtin_memcpy(target + 64 * i, tokens, 256);
  }
}

// ---- Scores --------------------------------------------------------------------------------------
// Scores are non-negative floats, so their bit patterns order as they do.

typedef int32_t score_ints __attribute__((vector_size(64)));

/// One bit for each of 64 scores whose bits are at least `bound`, the first in the lowest bit.
INLINE unsigned long scores_from(small_batch_lanes a, small_batch_lanes b, small_batch_lanes c,
                                 small_batch_lanes d, int32_t bound) {
#if defined(__AVX512F__)
  __m512i least = _mm512_set1_epi32(bound);
  __mmask16 first = _mm512_cmpge_epi32_mask((__m512i)a, least);
  __mmask16 second = _mm512_cmpge_epi32_mask((__m512i)b, least);
  __mmask16 third = _mm512_cmpge_epi32_mask((__m512i)c, least);
  __mmask16 fourth = _mm512_cmpge_epi32_mask((__m512i)d, least);
  return _mm512_kunpackd(_mm512_kunpackw(fourth, third), _mm512_kunpackw(second, first));
#else
  small_batch_lanes parts[4] = {a, b, c, d};
  unsigned long bits = 0;
#pragma clang loop unroll(full)
  for (int part = 0; part < 4; part++) {
    score_ints reached = (score_ints)parts[part] >= bound;
#if defined(__SSE2__)
    small_batch_lanes signs = (small_batch_lanes)reached;
    typedef float four __attribute__((vector_size(16)));
    four p = __builtin_shufflevector(signs, signs, 0, 1, 2, 3);
    four q = __builtin_shufflevector(signs, signs, 4, 5, 6, 7);
    four r = __builtin_shufflevector(signs, signs, 8, 9, 10, 11);
    four s = __builtin_shufflevector(signs, signs, 12, 13, 14, 15);
    unsigned own = (unsigned)__builtin_ia32_movmskps(p) | (unsigned)__builtin_ia32_movmskps(q) << 4 |
                   (unsigned)__builtin_ia32_movmskps(r) << 8 |
                   (unsigned)__builtin_ia32_movmskps(s) << 12;
#else
    unsigned own = 0;
    for (int lane = 0; lane < 16; lane++) own |= (unsigned)(reached[lane] & 1) << lane;
#endif
    bits |= (unsigned long)own << (16 * part);
  }
  return bits;
#endif
}

/// Writes those of 16 floats whose bit is set to `to`, one after the other; up to 16 floats beyond them
/// may be written too. Returns how many there are.
INLINE long pack_lanes(small_batch_lanes from, unsigned bits, float *to) {
#if defined(__AVX512F__)
  _mm512_storeu_ps(to, _mm512_maskz_compress_ps((__mmask16)bits, (__m512)from));
  return __builtin_popcount(bits);
#else
  long count = 0;
  // Every lane is written, and kept by moving on: cheaper than a branch that nobody can foresee.
  for (int i = 0; i < 16; i++) {
    to[count] = from[i];
    count += bits >> i & 1;
  }
  return count;
#endif
}

/// Of each four of 16 scores the best two, one bit a score; of equal ones the earlier.
INLINE unsigned best_two_of_four(const float *scores) {
#if defined(__AVX512F__)
  __m512i own = _mm512_loadu_si512((const void *)scores);
  // A lane loses to another that is greater, or equal and earlier: in bits, to one whose bits plus one
  // are greater where it is earlier.
  __m512i earlier1 = _mm512_set4_epi32(1, 0, 0, 0);
  __m512i earlier2 = _mm512_set4_epi32(1, 1, 0, 0);
  __m512i earlier3 = _mm512_set4_epi32(1, 1, 1, 0);
  __m512i next1 = _mm512_shuffle_epi32(own, (_MM_PERM_ENUM)0x39);
  __m512i next2 = _mm512_shuffle_epi32(own, (_MM_PERM_ENUM)0x4e);
  __m512i next3 = _mm512_shuffle_epi32(own, (_MM_PERM_ENUM)0x93);
  unsigned lost1 = _mm512_cmpgt_epi32_mask(_mm512_add_epi32(next1, earlier1), own);
  unsigned lost2 = _mm512_cmpgt_epi32_mask(_mm512_add_epi32(next2, earlier2), own);
  unsigned lost3 = _mm512_cmpgt_epi32_mask(_mm512_add_epi32(next3, earlier3), own);
  return ~((lost1 & lost2) | ((lost1 | lost2) & lost3)) & 0xffff;
#else
  unsigned bits = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) {
    float a = scores[i], b = scores[i + 1], c = scores[i + 2], d = scores[i + 3];
    int ab = b > a, ac = c > a, ad = d > a, bc = c > b, bd = d > b, cd = d > c;
    bits |= (unsigned)(ab + ac + ad < 2) << i;
    bits |= (unsigned)(1 - ab + bc + bd < 2) << (i + 1);
    bits |= (unsigned)(2 - ac - bc + cd < 2) << (i + 2);
    bits |= (unsigned)(3 - ad - bd - cd < 2) << (i + 3);
  }
  return bits;
#endif
}

/// The lowest bits of `bits`, in order, at the places of the ones of `places`.
INLINE unsigned long deposit_bits(unsigned long bits, unsigned long places) {
#if defined(__BMI2__)
  return __builtin_ia32_pdep_di(bits, places);
#else
  unsigned long result = 0;
  for (; places; places &= places - 1, bits >>= 1) result |= (places & -places) & -(bits & 1);
  return result;
#endif
}

#pragma clang diagnostic pop
// ---- End of small batches and scores -----------------------------------------------------------------------

#endif
