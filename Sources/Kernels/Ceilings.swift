public import Experiments
import Glibc
import Tensors

/// Measures what one core of this machine reaches, in about a second.
///
/// - Parameter isCancelled: asked between probes; when it answers true the rest is skipped and the
///   result is nil.
public func measureCeilings(isCancelled: () -> Bool = { false }) -> MachineCeilings? {
  let kernels = MicroKernels.best
  let lanes = Double(kernels.probeLanes())
  let peak = bestRate(operations: 48 * lanes * 200_000) { _ = kernels.probePeak(200_000, 1e-9) }
  if isCancelled() { return nil }
  var bandwidths: [Double] = []
  for (kibibytes, rounds) in [(24, 4000), (512, 200), (12 * 1024, 8), (192 * 1024, 1)] {
    let count = kibibytes * 256
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
    defer { pointer.deallocate() }
    pointer.initialize(repeating: 1, count: count)
    bandwidths.append(
      bestRate(operations: Double(count * 4 * rounds)) {
        _ = kernels.probeRead(pointer, count, rounds)
      })
    if isCancelled() { return nil }
  }
  let (size, tokens) = (768, 128)
  var generator = SeededGenerator(seed: 1)
  let weights = Matrix(
    rows: size, columns: size,
    values: (0..<size * size).map { _ in Float(generator.uniform() - 0.5) })
  let dense = fastestDense(weights: weights, tokens: tokens)
  let x = Activations(features: size, tokens: tokens)
  let y = Activations(features: size, tokens: tokens)
  let rate = bestRate(operations: Double(2 * size * size * tokens) * 10) {
    for _ in 0..<10 { dense.multiply(x, into: y, threads: 1) }
  }
  return MachineCeilings(
    peakFlops: peak, l1Bandwidth: bandwidths[0], l2Bandwidth: bandwidths[1],
    l3Bandwidth: bandwidths[2], memoryBandwidth: bandwidths[3], denseShare: rate / peak,
    denseKernel: dense.name)
}

/// Bytes a second that this thread reads from L1 now, over some 5 µs.
///
/// The same loop as the ceiling's: what shares the core takes its share of the loads.
public func loadRate() -> Double {
  let (kibibytes, rounds) = (16, 128)
  let (kernels, pointer) = (MicroKernels.best, loadProbe.pointer)
  // What ran before has its own data in L1, and perhaps stores under way.
  _ = kernels.probeRead(pointer, kibibytes * 256, 16)
  let start = nanoseconds()
  _ = kernels.probeRead(pointer, kibibytes * 256, rounds)
  return Double(kibibytes * 1024 * rounds) / Double(max(1, nanoseconds() - start)) * 1e9
}

/// What `loadRate` reads.
private let loadProbe: Buffer<Float> = {
  let buffer = Buffer<Float>(count: 16 * 256)
  buffer.pointer.initialize(repeating: 1, count: buffer.count)
  return buffer
}()

/// Operations a second of the fastest of several calls: a ceiling is what is reached undisturbed.
private func bestRate(operations: Double, _ body: () -> Void) -> Double {
  body()
  var best = Double.infinity
  for _ in 0..<7 {
    let start = nanoseconds()
    body()
    best = min(best, Double(nanoseconds() - start))
  }
  return operations / best * 1e9
}

/// The monotonic clock.
func nanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
