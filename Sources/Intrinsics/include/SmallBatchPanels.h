// Small batches: panels of eight tokens, written and turned.
#ifndef SMALL_BATCH_PANELS_H
#define SMALL_BATCH_PANELS_H

#include "SmallBatch.h"

// Inlined functions have no calling convention that could depend on the instruction set.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

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

#pragma clang diagnostic pop

#endif
