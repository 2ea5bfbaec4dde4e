import CellUI
import Experiments

/// A whole model with layers pruned alike, and how well it agrees with itself unpruned.
struct WholeModelCost: Codable {
  var knobs: Knobs
  var proxies: EmbeddingProxies
}

/// What `proxies --json` prints.
struct JudgedReport: Encodable {
  var cells: [JudgedCell]
  var wholes: [WholeModelCost]
  var agreements: [ProxyAgreement]
}

/// Judged prunings as files and as tables for people.
enum JudgedText {
  private static let columns = [
    "model_id", "tensor", "rows", "cols", "pattern", "criterion", "solve", "seed", "calibration_id",
    "sparsity_requested", "sparsity_achieved", "nnz", "kept_l1", "kept_energy", "weight_error",
    "kept_wanda_energy", "output_error", "output_error_refitted", "prune_ns", "status", "note",
  ]

  /// One row a tensor and setting; an empty cell is unknown.
  static func csv(_ cells: [JudgedCell], model: ModelInfo) -> String {
    var text = ResultsCSV.line(columns)
    let tensors = Dictionary(
      model.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for cell in cells {
      let knobs = cell.cell.knobs
      let tensor = tensors[cell.cell.tensor]
      let found = cell.judgement
      func number(_ value: Double?) -> String { value.map(NumberText.shortest) ?? "" }
      text += ResultsCSV.line([
        model.identity, cell.cell.tensor, tensor.map { String($0.rows) } ?? "",
        tensor.map { String($0.columns) } ?? "", knobs.pattern.description,
        (found?.criterion ?? knobs.criterion)?.rawValue ?? "", knobs.solve.rawValue,
        String(knobs.seed), tensor?.hasActivations == true ? model.calibration?.identity ?? "" : "",
        number(knobs.requestedSparsity), number(found?.sparsity),
        found.map { String($0.nonzeros) } ?? "", number(found?.keptL1), number(found?.keptEnergy),
        number(found?.weightError), number(found?.keptWandaEnergy), number(found?.outputError),
        number(found?.outputErrorRefitted), number(found?.elapsedNs),
        found == nil ? "failed" : "ok", cell.failure ?? "",
      ])
    }
    return text
  }

  /// A table a sparsity, then the agreements.
  static func tables(
    _ cells: [JudgedCell], _ wholes: [WholeModelCost], _ agreements: [ProxyAgreement]
  ) -> String {
    let tensors = Set(cells.map(\.cell.tensor)).count
    var text =
      "means over \(tensors) tensor\(tensors == 1 ? "" : "s"); nothing was timed or trained\n"
    let judged = cells.filter { $0.judgement != nil }
    let sparsities = Set(judged.compactMap { $0.cell.knobs.requestedSparsity }).sorted()
    for sparsity in sparsities {
      let part = judged.filter { $0.cell.knobs.requestedSparsity == sparsity }
      text += "\nsparsity \(NumberText.shortest(sparsity)): kept energy"
      if part.contains(where: { $0.judgement?.outputError != nil }) {
        text += " | held-out output error"
        if part.contains(where: { $0.judgement?.outputErrorRefitted != nil }) {
          text += " -> after refit"
        }
      }
      text += wholes.isEmpty ? "\n" : " | cosine of the whole model\n"
      text += table(part, wholes)
    }
    if !agreements.isEmpty { text += "\n" + agreementTable(agreements) }
    return text
  }

  private static func table(_ cells: [JudgedCell], _ wholes: [WholeModelCost]) -> String {
    let criteria = ordered(cells.map { $0.judgement!.criterion.rawValue })
    var rows = [["pattern"] + criteria]
    for pattern in ordered(cells.map { $0.cell.knobs.pattern.description }) {
      var row = [pattern]
      for criterion in criteria {
        let own = cells.filter {
          $0.cell.knobs.pattern.description == pattern
            && $0.judgement!.criterion.rawValue == criterion
        }
        row.append(own.isEmpty ? "" : cell(own, wholes))
      }
      rows.append(row)
    }
    return TextTable.lines(rows)
  }

  private static func cell(_ cells: [JudgedCell], _ wholes: [WholeModelCost]) -> String {
    func mean(_ value: (Judgement) -> Double?) -> Double? {
      let values = cells.compactMap { $0.judgement.flatMap(value) }
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    var text = mean(\.keptEnergy).map { Figures.fixed($0, 3) } ?? ""
    if let error = mean(\.outputError) { text += " | " + Figures.fixed(error, 3) }
    if let error = mean(\.outputErrorRefitted) { text += " -> " + Figures.fixed(error, 3) }
    if let whole = wholes.first(where: { $0.knobs == cells[0].cell.knobs }) {
      text += " | " + Figures.fixed(whole.proxies.cosine, 3)
    }
    return text
  }

  private static func agreementTable(_ agreements: [ProxyAgreement]) -> String {
    var text = ""
    for target in ordered(agreements.map(\.target)) {
      let part = agreements.filter { $0.target == target }
      let groups = ordered(part.map(\.among))
      text += "rank agreement with \(target) (1: ranks settings as it does)\n"
      var rows = [["figure"] + groups]
      for proxy in ordered(part.map(\.proxy.rawValue)) {
        rows.append(
          [proxy]
            + groups.map { group in
              let found = part.first { $0.among == group && $0.proxy.rawValue == proxy }
              return found?.correlation.map { Figures.fixed($0, 2) } ?? "–"
            })
      }
      text += TextTable.lines(rows, numbers: Set(1...groups.count)) + "\n"
    }
    return text
  }

  /// Each once, in the order in which they first come.
  static func ordered(_ values: [String]) -> [String] {
    var seen: Set<String> = []
    return values.filter { seen.insert($0).inserted }
  }
}
