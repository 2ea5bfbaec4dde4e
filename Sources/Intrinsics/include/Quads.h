// Four weights at a time, picked from a register instead of from memory.
#ifndef QUADS_H
#define QUADS_H

#include "Inline.h"

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

/// Of 16 floats those that the lowest four bits of each place of `index` number.
INLINE __m512 pick(__m512 table, __m512 index) {
  return _mm512_permutexvar_ps(_mm512_castps_si512(index), table);
}
#endif

#endif
