/// The columns of a results file, in their order; the raw value is the header.
public enum ResultColumn: String, Codable, Hashable, Sendable, CaseIterable {
  case schemaVersion = "schema_version", runID = "run_id", timeUTC = "time_utc"
  case hostID = "host_id", cpuModel = "cpu_model", isa, device, threads
  case toolVersion = "tool_version", modelID = "model_id", tensor
  case tensorSHA256 = "tensor_sha256", rows, cols, tokens, dtype, layout, cache, pattern
  case blockRows = "block_rows", blockCols = "block_cols", n, m, tile, reorder, criterion
  case regularizer, solve, lambda, refit, scope, calibrationID = "calibration_id", seed
  case sparsityRequested = "sparsity_requested", sparsityAchieved = "sparsity_achieved", nnz
  case keptL1 = "kept_l1", keptEnergy = "kept_energy", weightError = "weight_error"
  case outputError = "output_error", cosine, rankCorrelation = "rank_correlation"
  case neighbourAgreement = "neighbour_agreement", kernelDense = "kernel_dense"
  case kernelSparse = "kernel_sparse", bytesDense = "bytes_dense", bytesSparse = "bytes_sparse"
  case flopsUseful = "flops_useful", flopsExecuted = "flops_executed", packNs = "pack_ns"
  case denseNs = "dense_ns", denseNsLow = "dense_ns_low", denseNsHigh = "dense_ns_high"
  case sparseNs = "sparse_ns", sparseNsLow = "sparse_ns_low", sparseNsHigh = "sparse_ns_high"
  case speedup, speedupLow = "speedup_low", speedupHigh = "speedup_high", verdict, samples
  case outliers, maxAbsError = "max_abs_error", status, note
}

extension ResultColumn {
  /// Whether its values are whole numbers by nature; a measured 2.0 stays a number though its text
  /// has no point.
  public var isCount: Bool {
    switch self {
    case .schemaVersion, .threads, .rows, .cols, .tokens, .blockRows, .blockCols, .n, .m, .tile,
      .seed, .nnz, .bytesDense, .bytesSparse, .samples, .outliers:
      true
    default: false
    }
  }
}

/// One cell of a results file; `missing` is an empty cell: unknown, never 0.
public enum ResultCell: Codable, Hashable, Sendable {
  case text(String)
  case integer(Int)
  case number(Double)
  case missing

  public init(_ value: String?) { self = value.map(ResultCell.text) ?? .missing }
  public init(_ value: Int?) { self = value.map(ResultCell.integer) ?? .missing }
  public init(_ value: Double?) {
    self = value.flatMap { $0.isFinite ? ResultCell.number($0) : nil } ?? .missing
  }

  /// As it stands in the file, before quoting.
  public var text: String {
    switch self {
    case .text(let value): value
    case .integer(let value): String(value)
    case .number(let value): NumberText.shortest(value)
    case .missing: ""
    }
  }

  /// Its value where it is a number.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .text, .missing: nil
    }
  }
}

/// How a cell of a sweep ended.
public enum ResultStatus: String, Codable, Hashable, Sendable, CaseIterable {
  case ok, partial, failed, skipped
}

/// One measurement as a row: a cell for every column.
public struct ResultRow: Hashable, Sendable {
  public static let schemaVersion = 1

  private var cells: [ResultCell] = Array(
    repeating: .missing, count: ResultColumn.allCases.count)
  private static let ordinal: [ResultColumn: Int] = Dictionary(
    uniqueKeysWithValues: ResultColumn.allCases.enumerated().map { ($1, $0) })

  public init() {}

  public subscript(column: ResultColumn) -> ResultCell {
    get { cells[Self.ordinal[column]!] }
    set { cells[Self.ordinal[column]!] = newValue }
  }

  /// The cells in column order.
  public var inOrder: [ResultCell] { cells }
}

extension ResultRow: Codable {
  /// An object with the non-missing cells under their column names.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for (column, cell) in zip(ResultColumn.allCases, cells) {
      switch cell {
      case .text(let value): try container.encode(value, forKey: Key(column))
      case .integer(let value): try container.encode(value, forKey: Key(column))
      case .number(let value): try container.encode(value, forKey: Key(column))
      case .missing: break
      }
    }
  }

  /// Columns this version does not know are ignored.
  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: Key.self)
    for column in ResultColumn.allCases where container.contains(Key(column)) {
      let key = Key(column)
      if column.isCount, let value = try? container.decode(Int.self, forKey: key) {
        self[column] = .integer(value)
      } else if let value = try? container.decode(Double.self, forKey: key) {
        self[column] = .number(value)
      } else {
        self[column] = .text(try container.decode(String.self, forKey: key))
      }
    }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ column: ResultColumn) { stringValue = column.rawValue }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }
}
