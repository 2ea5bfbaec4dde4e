public import Experiments
public import Tensors

/// The patterns that a mask follows, the most regular first; empty for a mask without zeros.
///
/// Of blocks only the largest is named: rows change only at multiples of some R and columns at
/// multiples of some C, which are the greatest common divisors of the places where they do.
/// - Complexity: O(words · 20).
public func detectPatterns(_ mask: Mask) -> [Pattern] {
  guard mask.count < mask.rows * mask.columns, mask.rows > 0, mask.columns > 0 else { return [] }
  var found: [Pattern] = []
  let height = commonHeight(mask)
  let width = commonWidth(mask)
  if width == mask.columns, mask.columns > 1, let row = try? Pattern(.row) { found.append(row) }
  if height == mask.rows, mask.rows > 1, let column = try? Pattern(.column) {
    found.append(column)
  }
  if found.isEmpty, height > 1 || width > 1 { found.append(.block(height, width)) }
  let groups = [(1, 16), (1, 8), (1, 4), (2, 8), (4, 16), (1, 2), (2, 4), (4, 8), (8, 16), (3, 4)]
  for (kept, group) in groups where group <= mask.columns {
    guard groupViolations(mask, kept, group, 1).isEmpty else { continue }
    // 1:4 follows from 1:8; name the sparsest, and of equals the finest.
    let implied = found.contains {
      if case .nm(let n, let m) = $0.base { return n * (group / min(m, group)) <= kept }
      return false
    }
    if !implied, let pattern = try? Pattern(.nm(kept: kept, group: group)) {
      found.append(pattern)
    }
  }
  if !found.contains(where: { $0.fixedSparsity != nil }) {
    for width in [128, 64, 32, 16] where width <= mask.rows {
      guard let pattern = try? Pattern(.tileVector(width: width)),
        mask.sparsity >= 0.5, verifyPattern(mask, pattern, limit: 1).isEmpty
      else { continue }
      found.append(pattern)
      break
    }
  }
  return found.isEmpty ? [.unstructured] : found
}

private func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }

/// The greatest R such that rows differ only across multiples of R.
private func commonHeight(_ mask: Mask) -> Int {
  var height = 0
  let wide = mask.wordsPerRow
  for row in 1..<max(mask.rows, 1) {
    let same = (0..<wide).allSatisfy {
      mask.words[row * wide + $0] == mask.words[(row - 1) * wide + $0]
    }
    if !same { height = commonDivisor(height, row) }
    if height == 1 { return 1 }
  }
  return height == 0 ? mask.rows : height
}

/// The greatest C such that columns differ only across multiples of C.
private func commonWidth(_ mask: Mask) -> Int {
  var width = 0
  let wide = mask.wordsPerRow
  for row in 0..<mask.rows {
    for word in 0..<wide {
      let bits = mask.words[row * wide + word]
      let last = word == 0 ? bits & 1 : mask.words[row * wide + word - 1] >> 63
      // Bit i is set where column i differs from column i - 1.
      var changes = bits ^ (bits << 1 | last)
      let end = mask.columns - word * 64
      if end < 64 { changes &= (1 << UInt64(end)) - 1 }
      while changes != 0 {
        width = commonDivisor(width, word * 64 + changes.trailingZeroBitCount)
        if width == 1 { return 1 }
        changes &= changes &- 1
      }
    }
  }
  return width == 0 ? mask.columns : width
}
