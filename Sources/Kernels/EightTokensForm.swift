/// The strip formats for eight tokens; `joined` ones have entries of two neighbouring inputs.
enum EightTokensForm: CaseIterable, Sendable {
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

  /// Cycles of one vector of N:4 weights for eight tokens.
  static func quadCycles(_ set: InstructionSet) -> Double { set == .avx512 ? 6 : 100 }
}

/// One packed part of a layer; a later part adds to what the earlier ones have written.
enum EightTokensPart: Sendable {
  /// With the first of its columns.
  case strips(EightTokensForm, PackedStrips, firstColumn: Int)
  case quads(PackedQuads)

  var name: String {
    switch self {
    case .strips(let form, _, _): "strips-" + form.text
    case .quads(let format): "quads-\(format.kept):4"
    }
  }

  var groups: Int {
    switch self {
    case .strips(_, let format, _): format.groups
    case .quads(let format): format.groups
    }
  }

  var values: PackedWeights {
    switch self {
    case .strips(_, let format, _): format.values
    case .quads(let format): format.values
    }
  }

  var indexBytes: Int {
    switch self {
    case .strips(_, let format, _):
      format.index.bytes + format.starts.bytes + format.places.bytes
    case .quads(let format): format.selectors.bytes + format.places.bytes
    }
  }

  /// Work before group `group`, in steps.
  func work(before group: Int) -> Int {
    switch self {
    case .strips(_, let format, _): Int(format.starts.pointer[group])
    case .quads: group
    }
  }

  func share(_ worker: Int, of threads: Int) -> Range<Int> {
    evenShare(worker, of: threads, count: groups) { work(before: $0) }
  }

  /// One panel; `turned` are its activations as `[quads][8][4]`, needed by quads.
  func run(
    _ kernels: EightTokensKernels, _ x: UnsafePointer<Float>, turned: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, tokens: Int, adding: Bool, groups: Range<Int>
  ) {
    let (from, to) = (groups.lowerBound, groups.upperBound)
    let halves = values.halves
    switch self {
    case .strips(let form, let f, let firstColumn):
      let x = x + firstColumn * 8
      let bias = (adding ? f.places.noBias : f.places.bias).pointer
      if form.shape.height >= 16 {
        kernels.columns(
          form.shape.height == 32, halves, f.values.pointer, f.index.pointer, f.starts.pointer, x,
          y, f.places.rows.pointer, bias, tokens, adding, from, to)
      } else {
        kernels.strips(
          form.shape.height, form.isJoined, halves, f.values.pointer, f.index.pointer,
          f.starts.pointer, x, y, f.places.rows.pointer, bias, tokens, adding, from, to)
      }
    case .quads(let f):
      kernels.quads(
        f.kept, halves, f.values.pointer, f.selectors.pointer, f.quads, turned ?? x, y,
        f.places.rows.pointer, (adding ? f.places.noBias : f.places.bias).pointer, tokens, adding,
        from, to)
    }
  }
}
