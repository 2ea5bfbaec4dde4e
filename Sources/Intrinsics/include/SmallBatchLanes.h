// Small batches: activations brought to the lanes of their weights, and sums across lanes.
#ifndef SMALL_BATCH_LANES_H
#define SMALL_BATCH_LANES_H

#include "SmallBatch.h"

// Inlined functions have no calling convention that could depend on the instruction set.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

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

#pragma clang diagnostic pop

#endif
