// Scores of weights: which are kept, and the bits of a mask.
#ifndef SCORES_H
#define SCORES_H

#include "SmallBatch.h"

// Inlined functions have no calling convention that could depend on the instruction set.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

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

/// `sum` with those of 16 terms added whose bit is set; the same bits in every build.
INLINE small_batch_lanes add_where(small_batch_lanes sum, small_batch_lanes terms, unsigned bits) {
#if defined(__AVX512F__)
  return (small_batch_lanes)_mm512_mask_add_ps((__m512)sum, (__mmask16)bits, (__m512)sum,
                                               (__m512)terms);
#else
  score_ints places = {1,   2,   4,    8,    16,   32,   64,    128,
                       256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  score_ints own = (places & (int32_t)bits) != 0;
  return sum + (small_batch_lanes)((score_ints)terms & own);
#endif
}

/// Of each four of 16 scores the best two, one bit a score; of equal ones the earlier.
INLINE unsigned best_two_of_four(small_batch_lanes scores) {
#if defined(__AVX512F__)
  __m512i own = (__m512i)scores;
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

#endif
