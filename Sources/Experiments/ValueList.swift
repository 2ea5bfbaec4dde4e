/// Lists of knob values as they are written for sweeps: `0.5,0.8,0.9` or `FROM:TO:STEP`.
public enum ValueList {
  /// The values of a comma-separated list whose entries are numbers or inclusive ranges.
  ///
  /// Range values are `from + i · step` rounded to nine decimals, so that `0.1:0.9:0.1` holds 0.3 and
  /// not 0.30000000000000004; the end counts when it lies within a millionth of a step.
  /// - Throws: `KnobError` for anything else, for steps that lead nowhere, and beyond 10 000 values.
  public static func numbers(_ text: String, of name: String) throws(KnobError) -> [Double] {
    var values: [Double] = []
    for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = entry.split(separator: ":", omittingEmptySubsequences: false).map {
        Double(String($0))
      }
      // Beyond 1e15 the rounding to nine decimals would overflow, and no knob goes that far.
      guard parts.count == 1 || parts.count == 3,
        parts.allSatisfy({ $0.map { abs($0) <= 1e15 } ?? false })
      else {
        throw KnobError("--\(name) \(text): '\(entry)' is neither a number nor FROM:TO:STEP")
      }
      if parts.count == 1 {
        values.append(parts[0]!)
      } else {
        let (from, to, step) = (parts[0]!, parts[1]!, parts[2]!)
        guard step != 0, (to - from) / step >= 0 else {
          throw KnobError(
            "--\(name) \(text): a step of \(NumberText.shortest(step)) never gets there")
        }
        let count = ((to - from) / step + 1e-6).rounded(.down)
        guard count < 10_000 else {
          throw KnobError("--\(name) \(text): more than 10 000 values; take a longer step")
        }
        for i in 0...Int(count) {
          values.append(((from + Double(i) * step) * 1e9).rounded() / 1e9)
        }
      }
      guard values.count <= 10_000 else {
        throw KnobError("--\(name) \(text): more than 10 000 values")
      }
    }
    return values
  }

  /// The words of a comma-separated list.
  public static func words(_ text: String) -> [String] {
    text.split(separator: ",").map(String.init)
  }
}

/// Names with `*`, which matches any run of characters, dots and slashes too.
public enum Glob {
  /// Whether `pattern` matches the whole of `name`. Complexity: O(pattern · name) at worst.
  public static func matches(_ pattern: String, _ name: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let name = Array(name.utf8)
    var p = 0
    var n = 0
    var star: (pattern: Int, name: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = (p, n)
        p += 1
      } else if p < pattern.count, pattern[p] == name[n] {
        p += 1
        n += 1
      } else if let last = star {
        // Let the last star take one more character and try again behind it.
        star = (last.pattern, last.name + 1)
        p = last.pattern + 1
        n = last.name + 1
      } else {
        return false
      }
    }
    while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
    return p == pattern.count
  }
}
