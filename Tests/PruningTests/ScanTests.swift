import Experiments
import Kernels
import Tensors
import Testing

@testable import Pruning

/// Selections in one pass over the weights, against tables and whole sorts.
@Suite struct ScanTests {
  /// Around whole vectors, whole words, and beyond.
  static let widths = [1, 3, 4, 15, 16, 17, 63, 64, 65, 79, 127, 128, 130, 200, 512, 575, 1100]

  /// One row with what a kernel asks about it.
  struct Row {
    let weights: [Float]
    let factors: [Float]
    let energies: [Float]
    let bits: [UInt64]
    let scores: [Float]

    init(columns: Int, rule: Int, seed: UInt64) {
      var generator = SeededGenerator(seed: seed)
      // Few values, so that scores tie. What lies behind the row must not count.
      let weights = (0..<columns + 64).map { index in
        index < columns ? Float(Int.random(in: -6...6, using: &generator)) / 4 : 1e9
      }
      let factors = (0..<columns + 64).map { index in
        index < columns ? Float(Int.random(in: 1...4, using: &generator)) : .nan
      }
      energies = (0..<columns + 64).map { index in
        index < columns ? Float(Int.random(in: 1...3, using: &generator)) : .nan
      }
      var bits = [UInt64](repeating: 0, count: (columns + 63) / 64)
      for column in 0..<columns where generator.uniform() < 0.6 {
        bits[column / 64] |= 1 << UInt64(column % 64)
      }
      self.weights = weights
      self.factors = factors
      self.bits = bits
      scores = (0..<columns).map { column in
        let value = weights[column] * 0.5
        return switch rule {
        case 0: value * value
        case 1: value * value * factors[column]
        default: factors[column]
        }
      }
    }

    func keeps(_ column: Int, _ words: [UInt64]) -> Bool {
      words[column / 64] >> UInt64(column % 64) & 1 == 1
    }

    /// The values of the columns that `bits` keeps.
    func packed(_ values: [Float]) -> [Float] {
      scores.indices.filter { keeps($0, bits) }.map { values[$0] }
    }

    /// Exact: the values are small multiples of powers of two.
    func sums(_ words: [UInt64], energies: [Float]? = nil) -> [Float] {
      let energies = energies ?? self.energies
      var sums: [Float] = [0, 0, 0]
      for column in scores.indices where keeps(column, words) {
        let value = weights[column] * 0.5
        sums[0] += abs(value)
        sums[1] += value * value
        sums[2] += value * value * energies[column]
      }
      return sums
    }
  }

  @Test(arguments: InstructionSet.available)
  func everyBuildRaisesAndSumsAlike(set: InstructionSet) {
    let kernels = ScoreKernels.of(set)
    for columns in Self.widths {
      for rule in 0...2 {
        for isBased in [false, true] {
          let row = Row(columns: columns, rule: rule, seed: UInt64(columns * 8 + rule))
          let sorted = row.scores.sorted()
          let least = sorted[columns / 3].bitPattern
          let above = sorted[columns * 2 / 3].bitPattern + 1
          let words = row.bits.count
          var result = [UInt64](repeating: 0xAAAA_AAAA_AAAA_AAAA, count: words)
          var listed = [UInt32](repeating: .max, count: words * 64)
          var scores = [Float](repeating: .nan, count: words * 64)
          var sums: [Float] = [.nan, .nan, .nan]
          var spare = [Float](repeating: .nan, count: 192)
          // Energies that are the factors, and others.
          let energies = rule == 1 && columns % 2 == 0 ? row.factors : row.energies
          let found = row.bits.withUnsafeBufferPointer { bits in
            row.factors.withUnsafeBufferPointer { factors in
              energies.withUnsafeBufferPointer { energies in
                kernels.raise(
                  row.weights, rule, factors.baseAddress!, 0.5, energies.baseAddress!, columns,
                  isBased ? bits.baseAddress : nil, &result, least, above, &listed, &scores, &sums,
                  &spare)
              }
            }
          }
          var expected = isBased ? row.bits : [UInt64](repeating: 0, count: words)
          var (places, added) = ([UInt32](), 0)
          for column in 0..<columns where !(isBased && row.keeps(column, row.bits)) {
            let bits = row.scores[column].bitPattern
            if bits >= above {
              expected[column / 64] |= 1 << UInt64(column % 64)
              added += 1
            } else if bits >= least {
              places.append(UInt32(column))
            }
          }
          #expect(result == expected, "\(set) \(columns) \(rule)")
          #expect(found == places.count | added << 32)
          #expect(Array(listed.prefix(places.count)) == places)
          #expect(
            Array(scores.prefix(places.count)) == places.map { row.scores[Int($0)] })
          #expect(sums == row.sums(expected, energies: energies))
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func everyBuildThinsAlike(set: InstructionSet) {
    let kernels = ScoreKernels.of(set)
    for columns in Self.widths {
      for rule in 0...2 {
        let row = Row(columns: columns, rule: rule, seed: UInt64(columns * 8 + rule + 4))
        let words = row.bits.count
        var result = [UInt64](repeating: .max, count: words)
        var packed = [Float](repeating: .nan, count: 544)
        var chosen = [UInt16](repeating: .max, count: words * 4 + 6)
        var sums: [Float] = [.nan, .nan, .nan]
        var spare = [Float](repeating: .nan, count: 128)
        var factors = [Float](repeating: .nan, count: words * 64 + 32)
        var energies = factors
        let count = kernels.pack(row.factors, row.bits, columns, &factors)
        #expect(count == row.bits.reduce(0) { $0 + $1.nonzeroBitCount })
        #expect(Array(factors.prefix(count)) == row.packed(row.factors))
        #expect(factors[count..<count + 16].allSatisfy { $0 == 0 })
        // Energies that are the factors, others, and none.
        let isShared = rule == 1 && columns % 2 == 0
        let isMissing = columns % 5 == 0
        _ = kernels.pack(isShared ? row.factors : row.energies, row.bits, columns, &energies)
        factors.withUnsafeBufferPointer { factors in
          energies.withUnsafeBufferPointer { energies in
            let own = isShared ? factors.baseAddress! : energies.baseAddress!
            kernels.thinTwoOfFour(
              row.weights, rule, factors.baseAddress!, 0.5, isMissing ? nil : own, columns,
              row.bits, &result, &packed, &chosen, &sums)
          }
        }
        let kept = (0..<columns).filter { row.keeps($0, row.bits) }
        var expected = [UInt64](repeating: 0, count: words)
        for start in stride(from: 0, to: kept.count, by: 4) {
          let group = kept[start..<min(start + 4, kept.count)]
          let best = group.sorted {
            row.scores[$0] != row.scores[$1] ? row.scores[$0] > row.scores[$1] : $0 < $1
          }
          for column in best.prefix(2) { expected[column / 64] |= 1 << UInt64(column % 64) }
        }
        #expect(result == expected, "\(set) \(columns) \(rule)")
        var known = row.sums(expected, energies: isShared ? row.factors : row.energies)
        if isMissing { known[2] = 0 }
        #expect(sums == known)
        #expect(kernels.countBits(result, words) == expected.reduce(0) { $0 + $1.nonzeroBitCount })
        kernels.sums(row.weights, nil, nil, 0.5, columns, &sums, &spare)
        let all = row.sums([UInt64](repeating: .max, count: words))
        #expect(sums == [all[0], all[1], 0])
      }
    }
  }

  /// Brackets that miss the cut, ties everywhere, and matrices of a single value.
  @Test(arguments: ["1x1", "tew32+5%", "tvw32", "2:4"], ["few", "one", "zero", "rare"])
  func fewValuesTieToTheLowerIndex(pattern: String, values: String) throws {
    var generator = SeededGenerator(seed: 5)
    let weights = Matrix(
      rows: 203, columns: 190,
      values: (0..<203 * 190).map { index in
        switch values {
        case "few": Float(Int.random(in: -3...3, using: &generator))
        case "one": 0.5
        case "zero": 0
        default: index % 397 == 0 ? 2 : 0
        }
      })
    #expect(weights.count >= ScoredLayer.scannedWeights)
    let naive = NaivePruning(weights, criterion: .magnitude)
    let pruner = try LayerPruner(weights, named: "w", statistics: nil)
    for sparsity in pattern == "2:4" ? [0.5] : [0.5, 0.8, 0.94] {
      let layer = try pruner.prune(knobs(pattern, .sparsity(sparsity)))
      let expected = naive.mask(try Pattern(parsing: pattern), sparsity: sparsity)
      #expect(layer.mask == expected, "\(pattern) \(values) \(sparsity)")
      #expect(layer.summary.nonzeros == expected.count)
    }
  }

  @Test(arguments: [Criterion.magnitude, .l1, .wanda, .random])
  func overlaysOfLargeTensorsAreTheBestOfThePruned(criterion: Criterion) throws {
    let weights = LargeTensorTests.weights
    let known = try statistics(530, rows: 40, evaluationRows: 4)
    let pruner = try LayerPruner(weights, named: "w", statistics: known)
    let source = pruner.source
    let scores = ElementScores(
      weights: weights, rule: try source.rule(criterion, order: .identity, seed: 1),
      largest: source.largest
    ).table()
    for sparsity in [0.1, 0.5, 0.8, 0.95] {
      let tiles = try pruner.prune(
        knobs("tw64", .sparsity(min(1, sparsity + 0.05)), criterion: criterion)
      ).mask
      var expected = tiles
      let left = scores.indices.filter { !tiles[$0 / 530, $0 % 530] }
      let order = left.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
      for index in order.prefix(Int(0.05 * Double(scores.count) + 1e-6)) {
        expected[index / 530, index % 530] = true
      }
      let layer = try pruner.prune(
        knobs("tew64+5%", .sparsity(sparsity), criterion: criterion))
      #expect(layer.mask == expected, "\(criterion) \(sparsity)")
      let sums = WeightSums(weights, mask: expected, inputEnergy: known.inputEnergy)
      let all = WeightSums(weights, mask: nil, inputEnergy: known.inputEnergy)
      #expect(abs(layer.summary.keptL1 - sums.absolute / all.absolute) < 1e-6)
      #expect(abs(layer.summary.keptEnergy - sums.energy / all.energy) < 1e-6)
      #expect(abs(layer.summary.keptWandaEnergy! - sums.wanda / all.wanda) < 1e-6)
    }
  }
}
