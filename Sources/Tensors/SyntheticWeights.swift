/// `synthetic:ROWSxCOLUMNS[:SEED]`: one tensor `weight` of Gaussian values with standard deviation
/// 1/√COLUMNS, the same on every machine. Seed 1 unless given.
public struct SyntheticWeights: Hashable, Sendable {
  public static let prefix = "synthetic:"
  /// Weights a synthetic model may have: 1 GiB of F32.
  static let limit = 1 << 28
  /// Rows or columns it may have: activations for that many inputs take 400 MB.
  static let sideLimit = 1 << 17

  public let rows: Int
  public let columns: Int
  public let seed: UInt64

  public init(_ text: String) throws(TensorFileError) {
    func bad() -> TensorFileError {
      TensorFileError(path: text, problem: .notSynthetic(text: text))
    }
    guard text.hasPrefix(Self.prefix) else { throw bad() }
    let fields = text.dropFirst(Self.prefix.count).split(
      separator: ":", omittingEmptySubsequences: false)
    let sides = fields[0].split(separator: "x", omittingEmptySubsequences: false)
    func number(_ digits: Substring) -> Int? {
      digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(digits) : nil
    }
    guard fields.count <= 2, sides.count == 2, let rows = number(sides[0]), rows > 0,
      let columns = number(sides[1]), columns > 0
    else { throw bad() }
    var seed: UInt64 = 1
    if fields.count == 2 {
      guard let given = UInt64(fields[1]), number(fields[1].prefix(1)) != nil else { throw bad() }
      seed = given
    }
    guard rows <= Self.sideLimit, columns <= Self.sideLimit, rows * columns <= Self.limit else {
      throw TensorFileError(
        path: text,
        problem: .syntheticTooLarge(
          rows: rows, columns: columns, sideLimit: Self.sideLimit, limit: Self.limit))
    }
    self.rows = rows
    self.columns = columns
    self.seed = seed
  }

  /// `synthetic:768x768:1`, the seed always written.
  public var name: String { "\(Self.prefix)\(rows)x\(columns):\(seed)" }

  /// The weights `[rows, columns]`. Complexity: O(rows · columns), about 10 ns each.
  public func matrix() -> Matrix {
    var generator = SeededGenerator(seed: seed)
    let scale = 1 / Double(columns).squareRoot()
    let values = [Float](unsafeUninitializedCapacity: rows * columns) { target, initialized in
      for index in 0..<rows * columns { target[index] = Float(generator.gaussian() * scale) }
      initialized = rows * columns
    }
    return Matrix(rows: rows, columns: columns, values: values)
  }

  /// Activations for these weights, from a stream of their own: 512 rows to calibrate on and 256 to
  /// judge by, `[rows, columns]`.
  ///
  /// Gaussian, each channel with its own scale 0.5 + |g|: without such a spread (about tenfold in
  /// energy here, more in trained models) every criterion that looks at inputs is magnitude again.
  public func activations() -> (calibration: Matrix, evaluation: Matrix) {
    var generator = SeededGenerator(seed: ~seed)
    let scales = (0..<columns).map { _ in 0.5 + abs(generator.gaussian()) }
    func rows(_ count: Int) -> Matrix {
      var values: [Float] = []
      values.reserveCapacity(count * columns)
      for _ in 0..<count {
        for scale in scales { values.append(Float(generator.gaussian() * scale)) }
      }
      return Matrix(rows: count, columns: columns, values: values)
    }
    let calibration = rows(512)
    return (calibration, rows(256))
  }
}
