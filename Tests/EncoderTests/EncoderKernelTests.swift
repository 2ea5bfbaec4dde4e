import Foundation
import Kernels
import Tensors
import Testing

@testable import Encoder

/// Micro-kernels of every instruction set against formulas in double precision.
@Suite struct EncoderKernelTests {
  static let sets = InstructionSet.available

  private func random(_ count: Int, _ seed: UInt64, scale: Double = 1) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float(generator.gaussian() * scale) }
  }

  @Test(arguments: sets)
  func activationsMatchTheirFormulas(_ set: InstructionSet) {
    let kernels = EncoderKernels.of(set)
    let x: [Float] =
      (0..<16 * 401).map { Float($0 - 3208) / 320 } + [1e4, -1e4, 1e30, -1e30]
      + random(12, 3)
    for activation in [EncoderConfiguration.Activation.gelu, .geluTanh, .relu] {
      var y = x
      y.withUnsafeMutableBufferPointer { kernels.activate(activation, $0.baseAddress!, x.count) }
      for (input, output) in zip(x, y) {
        let v = Double(input)
        let expected =
          switch activation {
          case .gelu: v * 0.5 * erfc(-v / 2.0.squareRoot())
          case .geluTanh:
            0.5 * v * (1 + tanh((2 / Double.pi).squareRoot() * (v + 0.044715 * v * v * v)))
          case .relu: max(0, v)
          }
        // The bounds that stand at the kernels; the tanh form divides by 1 + 2^x of rounded x.
        let bound = activation == .relu ? 0 : max(1.2e-6, 2.4e-7 * abs(v))
        #expect(abs(Double(output) - expected) <= bound, "\(activation) of \(input)")
      }
    }
  }

  @Test(arguments: sets)
  func notANumberStaysOne(_ set: InstructionSet) {
    let kernels = EncoderKernels.of(set)
    for activation in [EncoderConfiguration.Activation.gelu, .geluTanh] {
      var y = [Float](repeating: .nan, count: 16)
      y.withUnsafeMutableBufferPointer { kernels.activate(activation, $0.baseAddress!, 16) }
      #expect(y.allSatisfy { $0.isNaN })
    }
  }

  @Test(arguments: sets, [1, 2, 7, 128, 385])
  func normalisationMatchesItsFormulaLaneByLane(_ set: InstructionSet, _ features: Int) {
    let kernels = EncoderKernels.of(set)
    let scale = random(features, 1)
    let shift = random(features, 2)
    for (lanes, adds, mean) in [(32, true, 0.0), (16, true, 3), (32, false, 100), (16, false, 0)] {
      let x = random(features * 32, 3).map { $0 + Float(mean) }
      let y = random(features * 32, 4)
      var result = x
      result.withUnsafeMutableBufferPointer {
        kernels.normalize($0.baseAddress!, adds ? y : nil, scale, shift, features, 1e-5, lanes)
      }
      for lane in 0..<32 {
        let column = (0..<features).map {
          Double(x[$0 * 32 + lane] + (adds ? y[$0 * 32 + lane] : 0))
        }
        let average = column.reduce(0, +) / Double(features)
        let variance =
          column.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(features)
        let deviation = (variance + 1e-5).squareRoot()
        for feature in 0..<features {
          let expected =
            lane < lanes
            ? (column[feature] - average) / deviation * Double(scale[feature])
              + Double(shift[feature]) : Double(x[feature * 32 + lane])
          // The mean is off by its rounding, some ulp of the largest value; divided by a deviation.
          let bound = 1e-5 + (mean + 5) * 1e-6 / deviation * abs(Double(scale[feature]))
          let found = Double(result[feature * 32 + lane])
          #expect(abs(found - expected) <= bound, "lane \(lane) feature \(feature)")
        }
      }
    }
  }

  @Test(arguments: sets, [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 100, 131])
  func attentionMatchesItsFormula(_ set: InstructionSet, _ tokens: Int) {
    let kernels = EncoderKernels.of(set)
    for size in [1, 8, 13, 32, 64] {
      let stride = (tokens + 15) / 16 * 16 + 64
      var q = [Float](repeating: .nan, count: size * stride + 64)
      var (k, v) = (q, q)
      let values = random(3 * size * tokens, UInt64(tokens * 100 + size), scale: 1.5)
      for feature in 0..<size {
        for token in 0..<tokens {
          q[feature * stride + token] = values[feature * tokens + token]
          k[feature * stride + token] = values[(size + feature) * tokens + token]
          v[feature * stride + token] = values[(2 * size + feature) * tokens + token]
        }
      }
      let original = (q, k)
      var scores = [Float](repeating: .nan, count: (tokens + 8) * 48)
      q.withUnsafeMutableBufferPointer {
        let q = $0.baseAddress!
        kernels.attend(q, &k, v, q, &scores, size, tokens, stride, 1 / Float(size).squareRoot())
      }
      var worst = 0.0
      for query in 0..<tokens {
        let s = (0..<tokens).map { key in
          (0..<size).reduce(0.0) {
            $0 + Double(original.0[$1 * stride + query]) * Double(original.1[$1 * stride + key])
          } / Double(size).squareRoot()
        }
        let most = s.max()!
        let w = s.map { exp($0 - most) }
        for feature in 0..<size {
          let expected =
            (0..<tokens).reduce(0.0) { $0 + w[$1] * Double(v[feature * stride + $1]) }
            / w.reduce(0, +)
          worst = max(worst, abs(Double(q[feature * stride + query]) - expected))
        }
      }
      // Scores to 60 with γ(64) of relative error make weights off by 2e-4 · 2^-3 at worst; typical
      // inputs stay a hundred times below.
      #expect(worst < 2e-5, "head size \(size)")
    }
  }

  @Test(arguments: sets)
  func gatherTakesAndScatterTouchesOnlyItsTokens(_ set: InstructionSet) {
    let kernels = EncoderKernels.of(set)
    let features = 5
    let panels = random(4 * features * 32, 8)
    for first in [0, 1, 15, 31, 32, 40] {
      for count in [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 65] where first + count <= 128 {
        let stride = count + 15
        var rows = [Float](repeating: .nan, count: 3 * stride)
        panels.withUnsafeBufferPointer {
          kernels.gather($0.baseAddress! + 32, features * 32, 3, first, count, &rows, stride)
        }
        var back = [Float](repeating: 7, count: panels.count)
        back.withUnsafeMutableBufferPointer {
          kernels.scatter(rows, stride, 3, first, count, $0.baseAddress! + 32, features * 32)
        }
        for row in 0..<3 {
          for place in 0..<count {
            let token = first + place
            let source = panels[token / 32 * features * 32 + (row + 1) * 32 + token % 32]
            #expect(rows[row * stride + place] == source)
          }
        }
        for panel in 0..<4 {
          for feature in 0..<features {
            for lane in 0..<32 {
              let token = panel * 32 + lane
              let inside = (1...3).contains(feature) && token >= first && token < first + count
              let index = (panel * features + feature) * 32 + lane
              #expect(back[index] == (inside ? panels[index] : 7))
            }
          }
        }
      }
    }
  }

  @Test(arguments: sets)
  func poolingSumsOnlyItsTokens(_ set: InstructionSet) {
    let kernels = EncoderKernels.of(set)
    let features = 6
    for (first, count) in [(0, 1), (31, 1), (31, 2), (5, 90), (0, 96), (40, 17)] {
      var panels = random(3 * features * 32, 8)
      for token in 0..<96 where token < first || token >= first + count {
        for feature in 0..<features {
          panels[token / 32 * features * 32 + feature * 32 + token % 32] = .nan
        }
      }
      var sums = [Float](repeating: 0.5, count: features)
      kernels.sum(panels, features, first, count, &sums)
      for feature in 0..<features {
        let expected = (first..<first + count).reduce(0.5) {
          $0 + Double(panels[$1 / 32 * features * 32 + feature * 32 + $1 % 32])
        }
        #expect(abs(Double(sums[feature]) - expected) < 2e-5)
      }
    }
  }
}
