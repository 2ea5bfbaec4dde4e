public import Experiments

/// Several results files as one.
public struct MergedResults: Hashable, Sendable {
  public var rows: [ResultRow] = []
  /// Rows that stood in more than one file, byte for byte the same.
  public var duplicates = 0
  /// Cells that one host measured in more than one of the files, with the number of rows of each: they all
  /// stay, and a reader must know.
  public var repeated = 0
  /// Torn last lines, by file.
  public var torn: [String] = []
  public var sources: [String]

  /// Reads the files, in the order given. Rows of different machines and runs stay apart by their
  /// `host_id` and `run_id`.
  ///
  /// - Throws: `damaged`, `cannotOpen`, `nothingToMerge`.
  public init(of paths: [String]) throws(ResultsFileError) {
    guard !paths.isEmpty else { throw .nothingToMerge }
    sources = paths
    var seen: Set<ResultRow> = []
    var cells: Set<[String]> = []
    for path in paths {
      let table: ResultsCSV.Table
      do { table = try ResultsCSV.parse(try OpenText.read(path)) } catch let error
        as ResultsCSVError
      {
        throw .damaged(path, error)
      } catch let error as ResultsFileError {
        throw error
      } catch { preconditionFailure("both errors above are all there are: \(error)") }
      if table.tornBytes > 0 { torn.append(path) }
      for row in table.rows {
        guard seen.insert(row).inserted else {
          duplicates += 1
          continue
        }
        if !cells.insert(row.settingsKey + [row[.hostID].text]).inserted { repeated += 1 }
        rows.append(row)
      }
    }
  }
}

extension ResultsMeta {
  /// The description of a merged file: the first source's model, and where the rows came from.
  public init(merging merged: MergedResults, machine: MachineInfo) {
    let first = merged.rows.first
    self.init(
      started: timestamp(), machine: machine,
      model: Model(
        path: "merged", identity: first?[.modelID].text ?? "", calibration: nil),
      plan: nil, shard: nil, timing: Timing(cellSeconds: 0, cellHalfWidth: 0), revision: nil,
      sources: merged.sources)
  }
}
