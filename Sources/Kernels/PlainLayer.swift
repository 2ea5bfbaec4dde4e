import Tensors

/// Kept weights row by row, for any width of panels, without vector instructions of its own.
final class PlainLayer: LinearKernel, @unchecked Sendable {
  let name: String
  let rows: Int
  let columns: Int
  private let starts: [Int]
  private let indices: [Int32]
  private let values: [Float]
  private let bias: [Float]

  init(weights: Matrix, mask: Mask, bias: [Float]?) {
    name = "plain f32"
    rows = weights.rows
    columns = weights.columns
    self.bias = bias ?? Array(repeating: 0, count: weights.rows)
    var starts = [0]
    var indices: [Int32] = []
    var values: [Float] = []
    for row in 0..<weights.rows {
      for column in 0..<weights.columns where mask[row, column] {
        indices.append(Int32(column))
        values.append(weights[row, column])
      }
      starts.append(indices.count)
    }
    self.starts = starts
    self.indices = indices
    self.values = values
  }

  func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(x.features == columns && y.features == rows && x.tokens == y.tokens)
    let width = x.width
    WorkerPool.shared.run(threads: threads) { worker in
      for row in rows * worker / threads..<rows * (worker + 1) / threads {
        for panel in 0..<x.panels {
          let input = x.pointer + panel * columns * width
          let output = y.pointer + (panel * rows + row) * width
          for lane in 0..<width { output[lane] = bias[row] }
          for i in starts[row]..<starts[row + 1] {
            let (source, value) = (input + Int(indices[i]) * width, values[i])
            for lane in 0..<width { output[lane] += value * source[lane] }
          }
        }
      }
    }
  }

  func storage(tokens: Int, threads: Int) -> StorageReport {
    let width = Activations.width(tokens: tokens)
    let lanes = (tokens + width - 1) / width * width
    let perThread = (0..<threads).map { worker in
      starts[rows * (worker + 1) / threads] - starts[rows * worker / threads]
    }
    return StorageReport(
      valueBytes: values.count * 4, indexBytes: indices.count * 4 + starts.count * 8,
      paddingBytes: 0, activationBytes: (rows + columns) * lanes * 4,
      usefulFlops: 2 * Double(values.count) * Double(tokens),
      executedFlops: 2 * Double(values.count) * Double(lanes),
      imbalance: values.isEmpty
        ? 1 : Double(perThread.max() ?? 0) * Double(threads) / Double(values.count))
  }
}
