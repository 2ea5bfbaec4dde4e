internal import CellUI
internal import Experiments

extension State {
  /// What leaves the program: the clipboard, files, the tour.
  mutating func hand(_ command: Command) throws(CommandError) -> [Effect] {
    switch command {
    case .copy:
      guard let text = copied else { return [] }
      return [.copy(text)] + say("copied: \(text.prefix(60))")
    case .export(let path): return [.export(path: path, try export(path))]
    case .save(let path): return flushRecord() + [.save(path: path)]
    case .tutorial: return [.playTutorial]
    default: return []
    }
  }

  /// The figure under the cursor, as a sentence that stands for itself elsewhere.
  private var copied: String? {
    switch page {
    case .sweep:
      guard let index = SweepPage.selectedCell(self, SweepGrid(self)),
        let row = sweep.rows[index]
      else { return nil }
      return Wording.sentence(row)
    case .tradeoff:
      guard tradeOffPoints.indices.contains(tradeOff.selected) else { return nil }
      return Wording.sentence(tradeOffPoints[tradeOff.selected].row)
    case .layers:
      return listedTensors.indices.contains(layers.selected)
        ? listedTensors[layers.selected].name : nil
    case .log:
      let index = log.selected ?? log.entries.count - 1
      return log.entries.indices.contains(index) ? log.entries[index].text : nil
    case .why: return diagnosis.sentence
    case .training: return copiedTraining
    case .mask:
      guard let cell else { return nil }
      var text = "\(cell.tensor) \(cell.knobs.pattern)"
      if let summary = summary.value {
        text += " \(Wording.percent(summary.achievedSparsity)) zeros"
      }
      if let error = quality.value?.outputError { text += ", output error \(Figures.plain(error))" }
      if let measurement = measurement.value {
        text += ", \(measurement.verdict.rawValue) \(Wording.speedup(measurement.speedup))"
      }
      return text
    }
  }

  private func export(_ path: String) throws(CommandError) -> Export {
    let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    switch ending {
    case "csv", "json":
      guard !resultRows.isEmpty else {
        throw CommandError("export \(path): there are no results yet; m measures, s sweeps")
      }
      return .results(resultRows)
    case "svg", "txt": return .frame
    case "safetensors":
      let cells = choices.layers.map { SweepCell(tensor: $0.tensor, knobs: $0.knobs) }
      if !cells.isEmpty { return .weights(cells) }
      fallthrough
    case "npz", "npy":
      guard let cell else { throw CommandError("export \(path): no matrix is open") }
      return .weights([cell])
    default:
      throw CommandError(
        "export \(path): its ending chooses the form: .csv .json .npz .npy .safetensors .svg .txt")
    }
  }

  /// Every row of results that this session has.
  var resultRows: [ResultRow] { sweep.rows.compactMap { $0 } + tradeOff.rows }
}

extension Wording {
  /// A row of results in words.
  static func sentence(_ row: ResultRow) -> String {
    var text = "\(row[.tensor].text) \(row[.pattern].text)"
    if let zeros = row[.sparsityAchieved].number { text += " \(percent(zeros)) zeros" }
    if let error = row[.outputError].number { text += ", output error \(Figures.plain(error))" }
    if let speedup = row[.speedup].number, let low = row[.speedupLow].number,
      let high = row[.speedupHigh].number
    {
      let interval = Interval(estimate: speedup, low: low, high: high)
      text += ", \(row[.verdict].text) \(Self.speedup(interval))"
    }
    return text
  }
}
