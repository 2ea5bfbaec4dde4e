#if AVX512
  import Intrinsics

  // Dense products of the encoder: weights in slabs of 8 outputs, `[slab][inputs][8]`, read by two kernels.
  // Whole panels have tokens in lanes. What is left of the last panel has outputs in lanes and works on
  // exactly as many tokens as there are: 27 tokens as a panel of 32 would waste a sixth.
  //
  // A model's weights are larger than the caches near the core, so each call finds them cold. Both kernels
  // therefore ask for the next block of weights while they work on one. Blocks of all layers follow each
  // other in memory in the order in which they run, so the last block of a layer asks for the next layer's
  // first. A request beyond the end does nothing.

  /// `y[row, 32 tokens] = Σ weights[row, input] · x[input, tokens] + bias[row]` for whole panels.
  ///
  /// - Parameters:
  ///   - x: `[panels][inputs][32]`; `y`: `[panels][outputs][32]`, `yPanel` floats from panel to panel.
  ///   - values: `[slab][inputs][8]`.
  ///   - from: first slab of 8 outputs; `to` is behind the last.
  /// A slab serves all panels before the next one, so that its weights come from afar once.
  @inline(never)
  public func encoderDensePanels(
    _ x: UnsafePointer<Float>, _ inputs: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    _ panels: Int, _ values: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ from: Int,
    _ to: Int
  ) {
    for slab in from..<to {
      let weights = values + slab &* inputs &* 8
      for panel in 0..<panels {
        var sums = Slab<8, 2, 1>.Sums(repeating: .init(repeating: .zero))
        var input = x + panel &* inputs &* panelWidth
        var weight = weights
        // One request a line: a line holds the weights of two inputs.
        var ahead = UnsafeRawPointer(weights + inputs &* 8)
        if panel == 0 {
          for _ in 0..<inputs / 2 {
            prefetch_far(ahead)
            ahead += 64
            Slab<8, 2, 1>.step(&sums, input, 0, weight)
            Slab<8, 2, 1>.step(&sums, input + panelWidth, 0, weight + 8)
            input += 2 &* panelWidth
            weight += 16
          }
        } else {
          for _ in 0..<inputs / 2 {
            Slab<8, 2, 1>.step(&sums, input, 0, weight)
            Slab<8, 2, 1>.step(&sums, input + panelWidth, 0, weight + 8)
            input += 2 &* panelWidth
            weight += 16
          }
        }
        if inputs % 2 == 1 { Slab<8, 2, 1>.step(&sums, input, 0, weight) }
        let out = y + (panel &* yPanel &+ slab &* 8 &* panelWidth)
        for r in 0..<8 {
          let start = Vector(repeating: bias[slab &* 8 &+ r])
          for t in 0..<2 {
            store(
              sums[unchecked: r][unchecked: t] + start, out + (r &* panelWidth &+ t &* 16))
          }
        }
      }
    }
  }

  /// The same for the first `tokens` (1...28) tokens of one panel; the other lanes of `y` become 0.
  ///
  /// - Parameter from: first pair of slabs (16 outputs); `to` is behind the last.
  /// Two registers of outputs by up to 14 tokens are 28 sums; more tokens take two passes, the second of
  /// which finds the weights in a near cache.
  @inline(never)
  public func encoderDenseTokens(
    _ x: UnsafePointer<Float>, _ inputs: Int, _ y: UnsafeMutablePointer<Float>, _ tokens: Int,
    _ values: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ from: Int, _ to: Int
  ) {
    withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 64) { raw in
      let scratch = raw.baseAddress!.bindMemory(to: Float.self, capacity: 512)
      scratch.initialize(repeating: 0, count: 512)
      let passes = (tokens &+ 13) / 14
      let first = (tokens &+ passes &- 1) / passes
      var pair = from
      while pair < to {
        let registers = min(2, to &- pair)
        let block = DenseBlock(
          inputs: inputs, weights: values + pair &* inputs &* 16, bias: bias + pair &* 16,
          registers: registers, scratch: scratch, y: y + pair &* 16 &* panelWidth, passes: passes)
        block.run(x, first, lane: 0)
        if passes == 2 { block.run(x + first, tokens &- first, lane: first) }
        pair &+= registers
      }
    }
  }

  /// 16 or 32 outputs.
  private struct DenseBlock {
    let inputs: Int
    let weights: UnsafePointer<Float>
    let bias: UnsafePointer<Float>
    let registers: Int
    let scratch: UnsafeMutablePointer<Float>
    let y: UnsafeMutablePointer<Float>
    let passes: Int

    @inline(__always)
    func run(_ x: UnsafePointer<Float>, _ tokens: Int, lane: Int) {
      if registers == 2 { run(x, tokens, lane, 2) } else { run(x, tokens, lane, 1) }
    }

    @inline(__always)
    private func run(_ x: UnsafePointer<Float>, _ tokens: Int, _ lane: Int, _ registers: Int) {
      switch tokens {
      case 1: tile(x, lane, Tile<1, 0, 2>.self, Tile<1, 0, 1>.self)
      case 2: tile(x, lane, Tile<1, 1, 2>.self, Tile<1, 1, 1>.self)
      case 3: tile(x, lane, Tile<2, 1, 2>.self, Tile<2, 1, 1>.self)
      case 4: tile(x, lane, Tile<2, 2, 2>.self, Tile<2, 2, 1>.self)
      case 5: tile(x, lane, Tile<3, 2, 2>.self, Tile<3, 2, 1>.self)
      case 6: tile(x, lane, Tile<3, 3, 2>.self, Tile<3, 3, 1>.self)
      case 7: tile(x, lane, Tile<4, 3, 2>.self, Tile<4, 3, 1>.self)
      case 8: tile(x, lane, Tile<4, 4, 2>.self, Tile<4, 4, 1>.self)
      case 9: tile(x, lane, Tile<5, 4, 2>.self, Tile<5, 4, 1>.self)
      case 10: tile(x, lane, Tile<5, 5, 2>.self, Tile<5, 5, 1>.self)
      case 11: tile(x, lane, Tile<6, 5, 2>.self, Tile<6, 5, 1>.self)
      case 12: tile(x, lane, Tile<6, 6, 2>.self, Tile<6, 6, 1>.self)
      case 13: tile(x, lane, Tile<7, 6, 2>.self, Tile<7, 6, 1>.self)
      default: tile(x, lane, Tile<7, 7, 2>.self, Tile<7, 7, 1>.self)
      }
    }

    @inline(__always)
    private func tile<Two: DenseTile, One: DenseTile>(
      _ x: UnsafePointer<Float>, _ lane: Int, _: Two.Type, _: One.Type
    ) {
      if registers == 2 {
        Two.run(x, inputs, weights, bias, scratch, lane, passes)
      } else {
        One.run(x, inputs, weights, bias, scratch, lane, passes)
      }
      for register in 0..<registers {
        let rows = y + register &* 16 &* panelWidth
        if lane == 0 {
          for row in 0..<16 { store(.zero, rows + (row &* panelWidth &+ 16)) }
        }
        transpose_16x16(scratch + register &* 256, 16, rows + lane, panelWidth)
      }
    }
  }

  private protocol DenseTile {
    static func run(
      _ x: UnsafePointer<Float>, _ inputs: Int, _ weights: UnsafePointer<Float>,
      _ bias: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>, _ lane: Int,
      _ passes: Int)
  }

  /// A + B tokens by S registers of outputs. The sums are two arrays because one of more than 26 registers is
  /// not taken apart by the compiler: 14 tokens then run at 44 instead of 228 GFLOP/s (Zen 5, 2026-11).
  private enum Tile<let A: Int, let B: Int, let S: Int>: DenseTile {
    @inline(__always)
    static func run(
      _ x: UnsafePointer<Float>, _ inputs: Int, _ weights: UnsafePointer<Float>,
      _ bias: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>, _ lane: Int,
      _ passes: Int
    ) {
      var first = InlineArray<A, InlineArray<S, Vector>>(repeating: .init(repeating: .zero))
      var second = InlineArray<B, InlineArray<S, Vector>>(repeating: .init(repeating: .zero))
      let slab = inputs &* 8
      // A pass asks for its share of the next block.
      let share = 64 &* S / passes
      var ahead = UnsafeRawPointer(weights + 2 &* S &* slab) + (lane > 0 ? share &* inputs : 0)
      for input in 0..<inputs {
        prefetch_far(ahead)
        if share > 64 { prefetch_far(ahead + 64) }
        ahead += share
        var rows = InlineArray<S, Vector>(repeating: .zero)
        for s in 0..<S {
          let pair = weights + (2 &* s &* slab &+ input &* 8)
          rows[unchecked: s] = Vector(lowHalf: half(pair), highHalf: half(pair + slab))
        }
        let tokens = x + input &* panelWidth
        for t in 0..<A {
          let token = Vector(repeating: tokens[t])
          for s in 0..<S {
            first[unchecked: t][unchecked: s] = multiplyAdd(
              token, rows[unchecked: s], first[unchecked: t][unchecked: s])
          }
        }
        for t in 0..<B {
          let token = Vector(repeating: tokens[A &+ t])
          for s in 0..<S {
            second[unchecked: t][unchecked: s] = multiplyAdd(
              token, rows[unchecked: s], second[unchecked: t][unchecked: s])
          }
        }
      }
      for s in 0..<S {
        let start = load(bias + s &* 16)
        let target = scratch + s &* 256
        for t in 0..<A { store(first[unchecked: t][unchecked: s] + start, target + t &* 16) }
        for t in 0..<B {
          store(second[unchecked: t][unchecked: s] + start, target + (A &+ t) &* 16)
        }
        for t in A + B..<14 { store(.zero, target + t &* 16) }
      }
    }

    @inline(__always)
    private static func half(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
      UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
    }
  }
#endif
