// The few instructions Swift does not name. Header only; filled by the kernels that need them.
#ifndef INTRINSICS_H
#define INTRINSICS_H
#endif
