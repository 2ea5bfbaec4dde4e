internal import Glibc

/// From now on large blocks go back to the system as soon as they are freed.
///
/// glibc raises the size from which it maps blocks to that of the largest one freed, so a few second
/// moments of some megabytes leave a heap full of holes that stay resident. A fixed threshold costs page
/// faults where such blocks come and go quickly, so programs that time that do not ask for it.
func returnMemoryAtOnce() {
  // Swift's Glibc leaves malloc.h out; another C library may have no such function.
  guard let found = dlsym(nil, "mallopt") else { return }
  typealias Option = @convention(c) (Int32, Int32) -> Int32
  let set = unsafeBitCast(found, to: Option.self)
  let (trimThreshold, mapThreshold): (Int32, Int32) = (-1, -3)
  _ = set(mapThreshold, 1 << 18)
  _ = set(trimThreshold, 1 << 18)
}
