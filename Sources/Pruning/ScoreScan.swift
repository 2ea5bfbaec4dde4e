import Glibc
import Intrinsics
import Tensors

/// Selections among all weights of a matrix by their exact scores, in one pass over the weights.
///
/// A row's scores are worked out, compared and summed while the row is in cache, so 45 million weights
/// cost little more than reading them once, and nothing of their size is kept between sparsities.
struct ScoreScan: Sendable {
  let elements: ElementScores
  /// Mean square of each input, in the order of the columns; nil without activations.
  let inputEnergy: [Float]?
  /// What weights are multiplied by before they are summed.
  let sumScale: Float

  private var rows: Int { elements.weights.rows }
  private var columns: Int { elements.weights.columns }

  /// What a selection keeps, with the sums over it.
  struct Selection {
    var mask: Mask
    var sums: WeightSums
    /// The cut behind it.
    var cut: Cut
  }

  /// Scores that surely hold a cut: everything from `above` on is better, all below `least` is worse.
  struct Bracket {
    var least: UInt32
    var above: UInt32

    /// Of all scores.
    static let everything = Bracket(least: 0, above: .max >> 1)
  }

  /// Keeps what `base` keeps and the `count` best of the other weights, ties to the lower index.
  ///
  /// The pass lists the weights within a bracket; only those are ranked.
  /// - Parameter bracket: where the cut probably lies; asked again, for a wider one, when it does not.
  /// - Complexity: one pass over the weights where the first bracket holds the cut and few weights.
  ///   After three, or where a bracket holds an eighth of the weights (a matrix of few values), all
  ///   scores are ranked, which takes another matrix of memory.
  func keepBest(
    _ count: Int, beyond base: Mask?, bracket: (_ attempt: Int) -> Bracket
  ) -> Selection {
    for attempt in 0..<3 {
      if let found = keepBest(count, beyond: base, within: bracket(attempt)) { return found }
    }
    return keepBestOfAll(count, beyond: base)
  }

  /// Nil where the cut lies outside of the bracket, or the bracket holds too many.
  private func keepBest(_ count: Int, beyond base: Mask?, within bracket: Bracket) -> Selection? {
    let most = elements.weights.count / 8 + 4096
    var mask = Mask(rows: rows, columns: columns)
    let wide = mask.wordsPerRow
    var sums = WeightSums()
    var added = 0
    // Row and column, of 32 bits each.
    var places: [UInt64] = []
    var scores: [Float] = []
    places.reserveCapacity(min(most, 1 << 18))
    scores.reserveCapacity(min(most, 1 << 18))
    var listed = [UInt32](repeating: 0, count: wide * 64)
    var packed = [Float](repeating: 0, count: wide * 64)
    mask.words.withUnsafeMutableBufferPointer { words in
      listed.withUnsafeMutableBufferPointer { listed in
        packed.withUnsafeMutableBufferPointer { packed in
          forEachRow(base) { row, source, before in
            if scores.count > most { return }
            let own = words.baseAddress! + row &* wide
            sums.addRow { sums, spare in
              let found = ScoreKernels.best.raise(
                source.weights, source.rule, source.factors, elements.scale, source.energies,
                columns, before, own, bracket.least, bracket.above, listed.baseAddress!,
                packed.baseAddress!, sums, spare)
              added &+= found &>> 32
              let count = found & 0xFFFF_FFFF
              scores.append(contentsOf: packed[..<count])
              let line = UInt64(row) << 32
              for index in 0..<count { places.append(line | UInt64(listed[index])) }
            }
          }
        }
      }
    }
    let wanted = count - added
    guard wanted >= 0, wanted <= scores.count, scores.count <= most else { return nil }
    let inner = Cut(keeping: wanted, of: scores)
    // With nothing listed kept, the least score that stays is one of those above the bracket.
    var cut = Cut(bits: bracket.above &- 1, tieLimit: 0)
    // Where the weight of a place that comes a little later lies: it is in no cache.
    let ahead = 24
    elements.weights.values.withUnsafeBufferPointer { values in
      mask.words.withUnsafeMutableBufferPointer { words in
        func position(_ place: UInt64) -> (row: Int, column: Int) {
          (Int(place >> 32), Int(place & 0xFFFF_FFFF))
        }
        for index in scores.indices {
          if index &+ ahead < places.count {
            let next = position(places[index &+ ahead])
            prefetch_line(values.baseAddress! + (next.row &* columns &+ next.column))
          }
          guard inner.keeps(scores[index], at: index) else { continue }
          let (row, column) = position(places[index])
          let place = row &* columns &+ column
          words[row &* wide &+ column >> 6] |= 1 &<< UInt64(column & 63)
          sums.add(weight: values[place] * sumScale, inputEnergy?[column])
          let bits = scores[index].bitPattern
          if bits <= cut.bits { cut = Cut(bits: bits, tieLimit: place &+ 1) }
        }
      }
    }
    return Selection(mask: mask, sums: sums, cut: cut)
  }

  /// The same by a table of all scores.
  private func keepBestOfAll(_ count: Int, beyond base: Mask?) -> Selection {
    var table = elements.table()
    if let base {
      // Kept weights get the least key, others a key one above their own.
      table.withUnsafeMutableBytes { raw in
        let keys = raw.bindMemory(to: UInt32.self)
        for index in 0..<keys.count { keys[index] &+= 1 }
        for row in 0..<rows {
          for column in 0..<columns where base[row, column] { keys[row &* columns &+ column] = 0 }
        }
      }
    }
    var cut = Cut(keeping: count, of: table)
    let single = UnitGrid(rows: rows, columns: columns, blockRows: 1, blockColumns: 1)
    var mask = Mask(grid: single, scores: table, cut: cut)
    if let base {
      for word in mask.words.indices { mask.words[word] |= base.words[word] }
      cut.bits &-= 1
    }
    let sums = WeightSums(
      elements.weights, mask: mask, inputEnergy: inputEnergy, scale: sumScale)
    return Selection(mask: mask, sums: sums, cut: cut)
  }

  /// Keeps, of every four columns that a row of `base` keeps, in their order, the best two; a last,
  /// shorter group keeps up to two. Without a base all columns are kept. Ties go to the lower column.
  func thinTwoOfFour(_ base: Mask?) -> (mask: Mask, sums: WeightSums) {
    var mask = Mask(rows: rows, columns: columns)
    let wide = mask.wordsPerRow
    var sums = WeightSums()
    var packed = [Float](repeating: 0, count: 544)
    var chosen = [UInt16](repeating: 0, count: wide * 4 + 6)
    let room = wide * 64 + 32
    let all = Mask(rows: 1, columns: columns, keepingAll: true).words
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * room) { line in
      let (factors, energies) = (line.baseAddress!, line.baseAddress! + room)
      mask.words.withUnsafeMutableBufferPointer { words in
        packed.withUnsafeMutableBufferPointer { packed in
          chosen.withUnsafeMutableBufferPointer { chosen in
            all.withUnsafeBufferPointer { all in
              forEachRow(base) { row, source, before in
                let kept = before ?? all.baseAddress!
                let isShared = source.rule == 1 && source.energies == source.factors
                // The rows of a tile keep the same columns: what belongs to columns is packed once.
                let isKnown =
                  row > 0 && (before.map { memcmp($0 - wide, $0, wide * 8) == 0 } ?? true)
                if !isKnown, source.rule == 1 {
                  _ = ScoreKernels.best.pack(source.factors, kept, columns, factors)
                }
                // Under rule 2 these are the scores of the row's own weights.
                if source.rule == 2 {
                  _ = ScoreKernels.best.pack(source.factors, kept, columns, factors)
                }
                if !isKnown, !isShared, let own = source.energies {
                  _ = ScoreKernels.best.pack(own, kept, columns, energies)
                }
                sums.addRow { sums, _ in
                  ScoreKernels.best.thinTwoOfFour(
                    source.weights, source.rule, factors, elements.scale,
                    source.energies.map { _ in UnsafePointer(isShared ? factors : energies) },
                    columns, kept, words.baseAddress! + row &* wide, packed.baseAddress!,
                    chosen.baseAddress!, sums)
                }
              }
            }
          }
        }
      }
    }
    return (mask, sums)
  }

  /// What a kernel reads of a row.
  private struct Source {
    var weights: UnsafePointer<Float>
    /// How scores come about; see the kernels.
    var rule: Int
    var factors: UnsafePointer<Float>
    var energies: UnsafePointer<Float>?
  }

  /// Calls `body` with every row and the bits of `base` in it.
  private func forEachRow(
    _ base: Mask?, _ body: (Int, Source, UnsafePointer<UInt64>?) -> Void
  ) {
    let none: [UInt64] = []
    let wide = (columns + 63) / 64
    var own: [Float]?
    var line: [Float] = []
    switch elements.rule {
    case .squared(let factors): own = factors
    case .absolute, .random: line = [Float](repeating: 0, count: columns)
    }
    elements.weights.values.withUnsafeBufferPointer { values in
      (base?.words ?? none).withUnsafeBufferPointer { words in
        line.withUnsafeMutableBufferPointer { line in
          withFloats(of: own) { factors in
            withFloats(of: inputEnergy) { energies in
              // What is the same need not be read twice.
              let energies = factors != nil && own == inputEnergy ? factors : energies
              for row in 0..<rows {
                let weights = values.baseAddress! + row &* columns
                let before = base == nil ? nil : words.baseAddress! + row &* wide
                var source = Source(
                  weights: weights, rule: 0, factors: weights, energies: energies)
                if let factors {
                  (source.rule, source.factors) = (1, factors)
                } else if !line.isEmpty {
                  elements.fill(row: row, line.baseAddress!)
                  (source.rule, source.factors) = (2, UnsafePointer(line.baseAddress!))
                }
                body(row, source, before)
              }
            }
          }
        }
      }
    }
  }
}

/// How many weights have which score, to the leading 9 bits of its fraction; brackets a cut among all.
struct ScoreHistogram: Sendable {
  /// By the leading 16 bits below the sign.
  private let counts: [UInt32]
  private static let shift: UInt32 = 15

  var bytes: Int { 4 * counts.count }

  /// - Complexity: one pass over the weights.
  init(_ elements: ElementScores) {
    let columns = elements.weights.columns
    // Two, because equal neighbours would otherwise wait for one another's store.
    var even = [UInt32](repeating: 0, count: 1 << 16)
    var odd = even
    var line = [Float](repeating: 0, count: columns)
    line.withUnsafeMutableBufferPointer { line in
      even.withUnsafeMutableBufferPointer { even in
        odd.withUnsafeMutableBufferPointer { odd in
          for row in 0..<elements.weights.rows {
            elements.fill(row: row, line.baseAddress!)
            var column = 0
            while column &+ 1 < columns {
              even[Int(line[column].bitPattern &>> Self.shift)] &+= 1
              odd[Int(line[column &+ 1].bitPattern &>> Self.shift)] &+= 1
              column &+= 2
            }
            if column < columns { even[Int(line[column].bitPattern &>> Self.shift)] &+= 1 }
          }
          for bin in 0..<even.count { even[bin] &+= odd[bin] }
        }
      }
    }
    counts = even
  }

  /// The bin that the `count`-th best score falls into.
  /// - Precondition: `0 < count ≤` the number of scores.
  func bracket(_ count: Int) -> ScoreScan.Bracket {
    var left = count
    var bin = counts.count - 1
    while Int(counts[bin]) < left {
      left -= Int(counts[bin])
      bin -= 1
    }
    return ScoreScan.Bracket(
      least: UInt32(bin) << Self.shift, above: UInt32(bin + 1) << Self.shift)
  }
}

/// A sample of the weights of a matrix by descending score; brackets a cut among those of them that a
/// mask prunes (as Floyd & Rivest's SELECT does, CACM 18, 1975).
struct ScoreSample: Sendable {
  /// Score bits above, index of the weight below.
  private let ranked: [UInt64]
  private let total: Int

  var bytes: Int { 8 * ranked.count }

  /// Of one weight in 128 and 4096 more: the bracket then holds less than one weight in a hundred of
  /// a large matrix, and ranking the sample costs less than a pass over the weights.
  init(_ elements: ElementScores, seed: UInt64) {
    total = elements.weights.count
    let columns = elements.weights.columns
    // An index has 32 bits; of a larger matrix the first rows stand for all, and the width of the
    // bracket makes up for what they do not tell.
    let reach = min(total, Int(UInt32.max))
    let wanted = 4096 + total / 128
    func key(_ index: Int) -> UInt64 {
      let score = elements.score(row: index / columns, column: index % columns)
      return UInt64(score.bitPattern) << 32 | UInt64(index)
    }
    if wanted >= reach {
      ranked = (0..<reach).map(key).sorted(by: >)
    } else {
      var generator = SeededGenerator(seed: seed)
      ranked = (0..<wanted).map { _ in key(Int.random(in: 0..<reach, using: &generator)) }
        .sorted(by: >)
    }
  }

  /// Where the `count`-th best of the weights that `mask` prunes lies; each attempt's bracket is four
  /// times as wide as the one before.
  func bracket(_ count: Int, beyond mask: Mask, attempt: Int) -> ScoreScan.Bracket {
    let expected = Double(count) / Double(total) * Double(ranked.count)
    // The number of samples among the best `count` scatters by its root. One bracket in a thousand misses
    // the cut and costs a second pass; one that never misses lists half as many weights again.
    let spread = (3.3 * expected.squareRoot() + 4) * Double(1 << (2 * attempt))
    let (first, last) = (expected - spread, expected + spread)
    var bracket = ScoreScan.Bracket.everything
    var seen = 0.0
    for key in ranked {
      let index = Int(key & 0xFFFF_FFFF)
      if mask[index / mask.columns, index % mask.columns] { continue }
      let bits = UInt32(key >> 32)
      // What ties with a sample is ranked.
      if seen <= first { bracket.above = bits + 1 }
      seen += 1
      if seen > last {
        bracket.least = bits
        break
      }
    }
    return bracket
  }
}
