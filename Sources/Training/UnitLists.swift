/// The stored units of one part of a layer, as `trainingUnits` wants them: which rows and inputs each
/// gradient belongs to, in the order in which weights are trained.
final class UnitLists: Sendable {
  let height: Int
  let segmentCount: Int
  /// First stored value of the part among those of the layer.
  let offset: Int
  /// Units of segments `0..<q`.
  private let prefix: [Int]
  private let segments: [UInt32]
  private let rowNumbers: [UInt32]
  private let inputs: [UInt16]

  init(height: Int, places: [UInt32], columns: Int, offset: Int) {
    self.height = height
    self.offset = offset
    let units = places.count / height
    var segments: [UInt32] = []
    var rowNumbers: [UInt32] = []
    var inputs = [UInt16](repeating: 0, count: units)
    var rows = [UInt32](repeating: .max, count: height)
    var prefix: [Int] = []
    for unit in 0..<units {
      var isSame = true
      for r in 0..<height {
        let row = places[unit * height + r] / UInt32(columns)
        if rows[r] != row {
          rows[r] = row
          isSame = false
        }
      }
      inputs[unit] = UInt16(Int(places[unit * height]) % columns)
      if !isSame {
        prefix.append(unit)
        segments += [UInt32(unit), 0, UInt32(unit)]
        rowNumbers += rows
      }
      segments[segments.count - 2] += 1
    }
    prefix.append(units)
    segmentCount = segments.count / 3
    self.prefix = prefix
    self.segments = segments
    self.rowNumbers = rowNumbers
    self.inputs = inputs
  }

  /// Writes the gradients of one of `shares` nearly equal shares of the units to `target`, which stands
  /// for the layer's first value.
  func gradients(
    x: UnsafePointer<Float>, xFeatures: Int, dy: UnsafePointer<Float>, dyFeatures: Int, panels: Int,
    into target: UnsafeMutablePointer<Float>, share: Int, of shares: Int, _ kernels: TrainingKernels
  ) {
    let (from, to) = (cut(share, shares), cut(share + 1, shares))
    guard from < to else { return }
    segments.withUnsafeBufferPointer { segments in
      rowNumbers.withUnsafeBufferPointer { rows in
        inputs.withUnsafeBufferPointer { inputs in
          kernels.units(
            height, x, xFeatures * 32, dy, dyFeatures * 32, panels, segments.baseAddress!,
            rows.baseAddress!, inputs.baseAddress!, target + offset, from, to)
        }
      }
    }
  }

  private func cut(_ share: Int, _ shares: Int) -> Int {
    if share <= 0 { return 0 }
    if share >= shares { return segmentCount }
    let target = prefix[segmentCount] * share / shares
    var (low, high) = (0, segmentCount)
    while low < high {
      let middle = (low + high) / 2
      if prefix[middle] < target { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
