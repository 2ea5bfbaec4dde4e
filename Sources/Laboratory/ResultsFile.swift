public import Experiments
internal import Glibc

/// A results file as it grows: whole rows, each in the file before `append` returns.
///
/// Beside `OUT.csv` stand `OUT.meta.json` and, where samples are kept, `OUT.samples.csv`. A killed writer
/// leaves at most one torn line, which resuming cuts off. Two processes never write one file.
public final class ResultsFile {
  /// As the user named it; `-` is standard output, without files beside it.
  public let path: String
  /// Rows that were there before, of a resumed file.
  public let rows: [ResultRow]
  private let table: OpenText
  private let samples: OpenText?
  private var count: Int

  /// Starts a file, with its header. Nothing that exists is overwritten unless `replacing` says so.
  ///
  /// - Throws: `exists`, `cannotOpen`, `inUse`, `cannotWrite`.
  public init(
    creating path: String, meta: ResultsMeta, keepSamples: Bool = false, replacing: Bool = false
  ) throws(ResultsFileError) {
    self.path = path
    rows = []
    count = 0
    guard path != "-" else {
      table = OpenText(standardOutputNamed: path)
      samples = nil
      try table.write(ResultsCSV.header)
      return
    }
    let names = ResultsFileNames(path)
    if !replacing {
      for name in [path, names.meta] + (keepSamples ? [names.samples] : [])
      where access(name, F_OK) == 0 {
        throw .exists(name)
      }
    }
    table = try OpenText(creating: path, replacing: replacing)
    try writeAside(meta.text(), to: names.meta)
    try table.write(ResultsCSV.header)
    samples = keepSamples ? try OpenText(creating: names.samples, replacing: replacing) : nil
    try samples?.write(Self.samplesHeader)
  }

  /// Opens a file again to go on with it: a torn last line is cut off, and rows that are to be measured
  /// again (`partial`, `skipped`) are taken out.
  ///
  /// - Throws: `differs` when the file beside it names another plan or model; `noMeta` when there is none;
  ///   `damaged` when it is no results file.
  public init(
    resuming path: String, meta: ResultsMeta, keepSamples: Bool = false
  ) throws(ResultsFileError) {
    self.path = path
    let names = ResultsFileNames(path)
    let earlier = try ResultsMeta(contentsOf: names.meta)
    if let difference = meta.difference(from: earlier) {
      throw .differs(path, difference: difference)
    }
    table = try OpenText(reopening: path)
    let bytes = try table.contents()
    let found: ResultsCSV.Table
    do { found = try ResultsCSV.parse(bytes) } catch { throw .damaged(path, error) }
    guard found.hasCurrentColumns else { throw .otherVersion(path) }
    let finished = found.rows.filter {
      $0[.status] != .text(ResultStatus.partial.rawValue)
        && $0[.status] != .text(ResultStatus.skipped.rawValue)
    }
    rows = finished
    count = finished.count
    if finished.count == found.rows.count {
      try table.cut(to: found.wholeBytes)
    } else {
      try table.replace(with: ResultsCSV.header + finished.map(ResultsCSV.line).joined())
    }
    samples = keepSamples ? try OpenText(continuing: names.samples) : nil
    if let samples, try samples.dropTornLine() == 0 { try samples.write(Self.samplesHeader) }
  }

  /// Writes a row, and its samples where they are kept.
  ///
  /// - Throws: `cannotWrite`; the file then still ends with a whole row.
  public func append(
    _ row: ResultRow, samples rounds: [[Double]] = []
  ) throws(ResultsFileError) {
    if let samples, !rounds.isEmpty {
      let key = [ResultColumn.runID, .tensor, .pattern, .criterion, .regularizer, .lambda]
        .map { row[$0].text }
      let more = [ResultColumn.sparsityRequested, .tokens, .threads, .dtype].map { row[$0].text }
      var text = ""
      for (index, round) in rounds.enumerated() where round.count == 2 {
        text += ResultsCSV.line(
          [String(count + 1)] + key + more
            + [
              String(index + 1), NumberText.shortest(round[0]), NumberText.shortest(round[1]),
            ])
      }
      try samples.write(text)
    }
    try table.write(ResultsCSV.line(row))
    count += 1
  }

  /// `row` is the row of the results file, from 1; times are nanoseconds a call.
  static let samplesHeader =
    "row,run_id,tensor,pattern,criterion,regularizer,lambda,sparsity_requested,tokens,threads,dtype,"
    + "round,dense_ns,sparse_ns\r\n"
}

/// The names of the files that stand beside a results file.
public struct ResultsFileNames: Hashable, Sendable {
  public let meta: String
  public let samples: String

  /// `OUT.csv` has `OUT.meta.json` and `OUT.samples.csv`; a name without that ending gets them behind it.
  public init(_ path: String) {
    let stem = path.hasSuffix(".csv") ? String(path.dropLast(4)) : path
    meta = stem + ".meta.json"
    samples = stem + ".samples.csv"
  }
}

/// Why a results file cannot be written or read.
public enum ResultsFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// It is there and was not to be overwritten: a usage error, exit code 2.
  case exists(String)
  case cannotOpen(String, code: Int32)
  case inUse(String)
  case cannotWrite(String, code: Int32)
  case cannotRead(String, code: Int32)
  case noMeta(String)
  case badMeta(String, reason: String)
  case damaged(String, ResultsCSVError)
  case otherVersion(String)
  case differs(String, difference: String)
  case nothingToMerge

  /// Whether other arguments would do (exit code 2).
  public var isUsage: Bool {
    switch self {
    case .exists, .differs, .nothingToMerge, .otherVersion, .noMeta: true
    default: false
    }
  }

  public var description: String {
    func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
    switch self {
    case .exists(let path):
      return "\(path) exists: choose another name, or say --resume to go on with it or --force to "
        + "overwrite it"
    case .cannotOpen(let path, let code): return "\(path) cannot be opened: \(reason(code))"
    case .inUse(let path):
      return "\(path) is being written by another process: wait for it or choose another name"
    case .cannotWrite(let path, let code):
      return "\(path) cannot be written: \(reason(code)); the rows before are whole"
    case .cannotRead(let path, let code): return "\(path) cannot be read: \(reason(code))"
    case .noMeta(let path):
      return
        "\(path) is missing: without it there is no telling whether the rows belong to this sweep; "
        + "start a new file"
    case .badMeta(let path, let reason):
      return "\(path) is no description of a sweep: \(reason); start a new file"
    case .damaged(let path, let error): return "\(path): \(error)"
    case .otherVersion(let path):
      return "\(path) has the columns of another version: start a new file, and merge the two"
    case .differs(let path, let difference):
      return "\(path) belongs to another sweep: \(difference); choose another name or use the same "
        + "settings"
    case .nothingToMerge: return "there is nothing to merge: name at least one results file"
    }
  }
}
