/// The strip formats for one token; raw values are the forms of `singleTokenStrips`.
enum SingleTokenForm: Int, StripForm {
  case columns16, columns8, columns4, block4, dots16, dots8, dots4, columns32

  var text: String {
    switch self {
    case .columns32: "32x1"
    case .columns16: "16x1"
    case .columns8: "8x1"
    case .columns4: "4x1"
    case .block4: "4x4"
    case .dots16: "1x16"
    case .dots8: "1x8"
    case .dots4: "1x4"
    }
  }

  var shape: StripShape {
    switch self {
    case .columns32: StripShape(height: 32, width: 1, entries: 1, strips: 1)
    case .columns16: StripShape(height: 16, width: 1, entries: 1, strips: 1)
    case .columns8: StripShape(height: 8, width: 1, entries: 2, strips: 2)
    case .columns4: StripShape(height: 4, width: 1, entries: 4, strips: 4)
    case .block4: StripShape(height: 4, width: 4, entries: 1, strips: 4)
    case .dots16: StripShape(height: 1, width: 16, entries: 1, strips: 16)
    case .dots8: StripShape(height: 1, width: 8, entries: 2, strips: 16)
    case .dots4: StripShape(height: 1, width: 4, entries: 4, strips: 16)
    }
  }

  /// Cycles of one step of one strip on Zen 5: what its loads take when weights come from the L2
  /// cache.
  var cycles: Double {
    switch self {
    case .columns32: 2.7
    case .columns16, .block4, .dots16: 1.4
    case .columns8, .dots8: 1.7
    case .columns4, .dots4: 2.6
    }
  }

  /// Cycles of one step of table lookup, by far the dearest without AVX-512.
  static func lookupCycles(_ set: InstructionSet) -> Double { set == .avx512 ? 2 : 24 }
  static func quadCycles(_ set: InstructionSet) -> Double { set == .avx512 ? 1.3 : 24 }
}

extension SmallBatchPart<SingleTokenForm> {
  @inline(__always)
  func run(
    _ kernels: SingleTokenKernels, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    groups: Range<Int>
  ) {
    guard !groups.isEmpty else { return }
    let (from, to) = (groups.lowerBound, groups.upperBound)
    switch kind {
    case .strips(let form, _):
      kernels.strips(
        form.rawValue, halves, values, lists.assumingMemoryBound(to: UInt16.self), starts, x, y,
        rows, runs, bias, adding, from, to)
    case .lookup:
      kernels.lookup(
        halves, values, lists.assumingMemoryBound(to: UInt8.self), windows, starts, x, y, rows,
        runs, bias, adding, from, to)
    case .quads(let kept, let quads):
      kernels.quads(
        kept, halves, values, lists.assumingMemoryBound(to: UInt32.self), quads, x, y, rows, runs,
        bias, adding, from, to)
    }
  }
}
