import Experiments
import Glibc
import Tensors

/// Intel's oneDNN, loaded at run time if it is installed: `dnnl_sgemm` and the thread count behind it.
struct OneDNN: @unchecked Sendable {
  /// `C = alpha · op(A) · op(B) + beta · C`, all row-major; returns 0 on success.
  typealias Sgemm =
    @convention(c) (
      CChar, CChar, Int, Int, Int, Float, UnsafePointer<Float>, Int, UnsafePointer<Float>, Int,
      Float,
      UnsafeMutablePointer<Float>, Int
    ) -> Int32
  typealias SetThreads = @convention(c) (Int32) -> Void

  let library: String
  let sgemm: Sgemm
  /// Nil where the library was not built with OpenMP. It sets the count of the calling thread only.
  let setThreads: SetThreads?

  static let names = ["libdnnl.so.3", "libdnnl.so.2", "libdnnl.so"]

  /// The library, or why there is none.
  static let loaded: Result<OneDNN, OneDNNMissing> = load()

  private static func load() -> Result<OneDNN, OneDNNMissing> {
    // libgomp's workers spin for milliseconds after a call by default, on cores that the next kernel of
    // a comparison wants (two threads at 128 tokens took 2300 µs instead of 35). 2000 rounds are some
    // 25 µs: long enough from call to call. A setting of the user's own stays.
    setenv("GOMP_SPINCOUNT", "2000", 0)
    for name in names {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      guard let sgemm = dlsym(handle, "dnnl_sgemm") else {
        return .failure(OneDNNMissing(reason: "\(name) has no dnnl_sgemm"))
      }
      // The handle's dependencies are searched too, so this is the OpenMP that the library itself uses.
      let setThreads = dlsym(handle, "omp_set_num_threads")
      return .success(
        OneDNN(
          library: name, sgemm: unsafeBitCast(sgemm, to: Sgemm.self),
          setThreads: setThreads.map { unsafeBitCast($0, to: SetThreads.self) }))
    }
    return .failure(
      OneDNNMissing(
        reason: "none of \(names.joined(separator: ", ")) could be loaded; "
          + "install libdnnl2 to compare with it too"))
  }
}

struct OneDNNMissing: Error { var reason: String }

/// oneDNN's general product as a dense layer, on the activations as they lie.
///
/// Panels are multiplied one by one: `Y[rows, width] = W · X[columns, width]`. Token-major activations
/// in one call: `Y[tokens, rows] = X · Wᵀ`. In both the weights may stand as they are or transposed
/// beforehand; which is faster depends on the shape (with few tokens usually the transposed ones).
final class OneDNNLayer: LinearKernel, @unchecked Sendable {
  let rows: Int
  let columns: Int
  private let library: OneDNN
  private let transposed: Bool
  private let weights: Buffer<Float>
  private let bias: [Float]?

  init(library: OneDNN, weights: Matrix, transposed: Bool, bias: [Float]?) {
    self.library = library
    self.transposed = transposed
    rows = weights.rows
    columns = weights.columns
    self.weights = transposed ? Self.transposed(weights) : Buffer(weights.values)
    self.bias = bias
  }

  /// `[columns, rows]`, written where it stays: of large weights one copy more is felt.
  private static func transposed(_ weights: Matrix) -> Buffer<Float> {
    let (rows, columns) = (weights.rows, weights.columns)
    let buffer = Buffer<Float>(count: weights.count)
    let tile = 32
    weights.values.withUnsafeBufferPointer { source in
      for left in stride(from: 0, to: columns, by: tile) {
        for top in stride(from: 0, to: rows, by: tile) {
          for column in left..<min(left + tile, columns) {
            for row in top..<min(top + tile, rows) {
              (buffer.pointer + (column &* rows &+ row)).initialize(
                to: source[row &* columns &+ column])
            }
          }
        }
      }
    }
    return buffer
  }

  var name: String { "onednn sgemm \(transposed ? "w[in,out]" : "w[out,in]") f32" }

  func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(x.features == columns && y.features == rows && x.tokens == y.tokens)
    precondition(x.width == y.width && x.layout == y.layout)
    // Left alone, OpenMP takes all cores, and two threads spinning on one core are 4 to 15x slower.
    library.setThreads?(Int32(threads))
    if threads > 1 { WorkerPool.shared.rest() }
    if let bias { start(y, from: bias) }
    let beta: Float = bias == nil ? 0 : 1
    let stride = transposed ? rows : columns
    if x.width == 1 {
      _ = library.sgemm(
        yes(false), yes(!transposed), x.tokens, rows, columns, 1, x.pointer, columns,
        weights.pointer, stride, beta, y.pointer, rows)
      return
    }
    for panel in 0..<x.panels {
      _ = library.sgemm(
        yes(transposed), yes(false), rows, x.width, columns, 1, weights.pointer, stride,
        x.pointer + panel * columns * x.width, x.width, beta, y.pointer + panel * rows * x.width,
        x.width)
    }
  }

  private func yes(_ transpose: Bool) -> CChar { CChar(transpose ? UInt8(ascii: "T") : 78) }

  private func start(_ y: Activations, from bias: [Float]) {
    for panel in 0..<y.panels {
      for row in 0..<rows {
        (y.pointer + (panel * rows + row) * y.width).update(repeating: bias[row], count: y.width)
      }
    }
  }

  func storage(tokens: Int, threads: Int) -> StorageReport {
    let width = Activations.width(tokens: tokens)
    let lanes = (tokens + width - 1) / width * width
    let weights = Double(rows * columns)
    return StorageReport(
      valueBytes: rows * columns * 4, indexBytes: 0, paddingBytes: 0,
      activationBytes: (rows + columns) * lanes * 4, usefulFlops: 2 * weights * Double(tokens),
      executedFlops: 2 * weights * Double(lanes), imbalance: 1)
  }
}
