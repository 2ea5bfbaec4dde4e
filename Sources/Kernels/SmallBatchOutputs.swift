/// Where the lanes of a format's groups go.
struct OutputPlaces: Sendable {
  /// Original row of each lane, negative where a lane has none.
  let rows: PackedBuffer<Int32>
  /// For each group of sixteen lanes: 16, 8 or 4 when that many aligned lanes go to consecutive
  /// rows.
  let runs: PackedBuffer<UInt8>
  /// In the order of the lanes; zeros without a bias.
  let bias: PackedBuffer<Float>

  /// `lanes[i]` is the packed row of a lane or negative.
  init(lanes: [Int], source: SmallBatchSource, bias values: [Float]?) {
    let padded = (lanes.count + 15) / 16 * 16
    rows = PackedBuffer(count: padded)
    runs = PackedBuffer(count: padded / 16)
    bias = PackedBuffer(count: padded)
    for lane in 0..<padded {
      let packed = lane < lanes.count ? lanes[lane] : -1
      let row = packed < 0 ? -1 : source.rows[packed]
      rows.pointer[lane] = Int32(row)
      if row >= 0, let values { bias.pointer[lane] = values[row] }
    }
    for group in 0..<padded / 16 {
      let place = rows.pointer + group * 16
      let run = [16, 8, 4].first { length in
        stride(from: 0, to: 16, by: length).allSatisfy { first in
          place[first] >= 0
            && (0..<length).allSatisfy { place[first + $0] == place[first] + Int32($0) }
        }
      }
      runs.pointer[group] = UInt8(run ?? 1)
    }
  }

  var bytes: Int { rows.bytes + runs.bytes }

  var pointers: (UnsafePointer<Int32>, UnsafePointer<UInt8>, UnsafePointer<Float>) {
    (UnsafePointer(rows.pointer), UnsafePointer(runs.pointer), UnsafePointer(bias.pointer))
  }

  var owners: [AnyObject] { [rows, runs, bias] }
}
