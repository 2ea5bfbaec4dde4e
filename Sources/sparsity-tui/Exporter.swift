import CellUI
import Experiments
import Explorer
import Laboratory

/// Writes what the screen exports; the ending of the name has chosen the form already.
struct Exporter {
  let laboratory: Laboratory

  func write(_ export: Export, of state: State, to path: String) throws {
    let path = path.hasPrefix("~/") ? (Paths.environment("HOME") ?? "") + path.dropFirst() : path
    switch export {
    case .results(let rows):
      let text = path.hasSuffix(".json") ? try ResultsText.json(rows) : ResultsText.csv(rows)
      try OutputFile.write(text, to: path)
    case .frame:
      let frame = render(state)
      try OutputFile.write(
        path.hasSuffix(".svg") ? frame.svg(title: "sparsity-tui") : frame.text + "\n", to: path)
    case .weights(let cells):
      do {
        _ = try laboratory.export(cells, to: path, force: false)
      } catch {
        throw Failure(error)
      }
    }
  }
}
