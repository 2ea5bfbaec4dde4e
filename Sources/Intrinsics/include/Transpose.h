// Tiles of a matrix transposed in registers.
#ifndef TRANSPOSE_H
#define TRANSPOSE_H

#include "Inline.h"

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

#endif
