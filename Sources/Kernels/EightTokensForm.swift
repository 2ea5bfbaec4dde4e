/// The strip formats for eight tokens; `joined` ones have entries of two neighbouring inputs.
enum EightTokensForm: StripForm {
  case columns32, columns16, strips8, joined8, strips4, joined4, singles, joined1

  var text: String {
    switch self {
    case .columns32: "32x1"
    case .columns16: "16x1"
    case .strips8: "8x1"
    case .joined8: "8x2"
    case .strips4: "4x1"
    case .joined4: "4x2"
    case .singles: "1x1"
    case .joined1: "1x2"
    }
  }

  var shape: StripShape {
    switch self {
    case .columns32: StripShape(height: 32, width: 1, entries: 1, strips: 1)
    case .columns16: StripShape(height: 16, width: 1, entries: 1, strips: 1)
    case .strips8: StripShape(height: 8, width: 1, entries: 2, strips: 1)
    case .joined8: StripShape(height: 8, width: 2, entries: 1, strips: 1, columnMajor: true)
    case .strips4: StripShape(height: 4, width: 1, entries: 4, strips: 1)
    case .joined4: StripShape(height: 4, width: 2, entries: 2, strips: 1, columnMajor: true)
    case .singles: StripShape(height: 1, width: 1, entries: 8, strips: 1)
    case .joined1: StripShape(height: 1, width: 2, entries: 4, strips: 1, isInterleaved: true)
    }
  }

  var isJoined: Bool { shape.width == 2 }

  /// Cycles of one step on Zen 5 (2026-11), with AVX-512.
  var cycles: Double {
    switch self {
    case .columns32: 8.8
    case .columns16: 5.2
    case .strips8: 6.6
    case .joined8: 6.2
    case .strips4: 7.4
    case .joined4: 6.6
    case .singles: 6.2
    case .joined1: 4.4
    }
  }

  /// Cycles of one strip beside its steps: reduction, bias and stores.
  var stripCycles: Double { shape.height == 1 ? 10 : Double(shape.height) * 3 }

  /// Cycles of one step of table lookup and of one vector of N:4 weights for eight tokens.
  static func lookupCycles(_ set: InstructionSet) -> Double { set == .avx512 ? 9.6 : 200 }
  static func quadCycles(_ set: InstructionSet) -> Double { set == .avx512 ? 8 : 100 }
}

extension SmallBatchPart<EightTokensForm> {
  /// One panel; `x` as the format takes it: the panel itself for strips, `[blocks][8][16]` for
  /// lookup and `[quads][8][4]` for quads.
  @inline(__always)
  func run(
    _ kernels: EightTokensKernels, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    tokens: Int, groups: Range<Int>
  ) {
    guard !groups.isEmpty else { return }
    let (from, to) = (groups.lowerBound, groups.upperBound)
    switch kind {
    case .strips(let form, let firstColumn):
      let (x, index) = (x + firstColumn * 8, lists.assumingMemoryBound(to: UInt16.self))
      if form.shape.height >= 16 {
        kernels.columns(
          form == .columns32, halves, values, index, starts, x, y, rows, runs, bias, tokens, adding,
          from, to)
      } else {
        kernels.strips(
          form.shape.height, form.isJoined, halves, values, index, starts, x, y, rows, runs, bias,
          tokens, adding, from, to)
      }
    case .lookup:
      kernels.lookup(
        halves, values, lists.assumingMemoryBound(to: UInt8.self), windows, starts, x, y, rows,
        runs, bias, tokens, adding, from, to)
    case .quads(let kept, let quads):
      kernels.quads(
        kept, halves, values, lists.assumingMemoryBound(to: UInt32.self), quads, x, y, rows, runs,
        bias, tokens, adding, from, to)
    }
  }
}
