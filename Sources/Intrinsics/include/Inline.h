// Functions that are inlined into the Swift that calls them, whatever the optimiser thinks.
#ifndef INLINE_H
#define INLINE_H

#define INLINE static inline __attribute__((always_inline))

#endif
