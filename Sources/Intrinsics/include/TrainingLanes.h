// What training needs of sixteen lanes.
#ifndef TRAINING_LANES_H
#define TRAINING_LANES_H

#include "SmallBatch.h"

// Inlined functions have no calling convention that could depend on the instruction set.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

/// Square roots of all lanes; Swift's own take them one by one.
INLINE small_batch_lanes training_root(small_batch_lanes a) {
  return __builtin_elementwise_sqrt(a);
}

#pragma clang diagnostic pop

#endif
