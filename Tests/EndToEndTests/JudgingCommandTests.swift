import Foundation
import Testing

/// The commands that judge without timing: `proxies`, `sensitivity` and `path`.
@Suite(.serialized) struct JudgingCommandTests {
  let sandbox: Sandbox
  private static let query = "encoder.layer.0.attention.self.query.weight"

  init() throws { sandbox = try Sandbox() }

  private func lines(_ text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).map(String.init)
  }

  @Test func proxiesPrintTablesAgreementsAndRows() throws {
    let arguments = [
      "proxies", "--tensor", Self.query, "--patterns", "8x1,32x1,2:4", "--sparsity", "0.5,0.8",
      "--csv", "costs.csv",
    ]
    let first = try sandbox.run(arguments)
    #expect(first.ending == .exited(0), "\(first.errors)")
    #expect(first.output.contains("sparsity 0.8"))
    #expect(first.output.contains("rank agreement with held-out output error"))
    let rows = lines(try sandbox.text("costs.csv"))
    // 2 blocks at 2 sparsities and 2:4 at its own, each by four criteria, and the head.
    #expect(rows.count == 1 + (2 * 2 + 1) * 4)
    #expect(rows.dropFirst().allSatisfy { $0.contains(",ok,") })
    // The cache answers the second time, with the same rows, times included.
    let second = try sandbox.run(arguments + ["--force"])
    #expect(second.output == first.output)
    #expect(lines(try sandbox.text("costs.csv")) == rows)
    let refused = try sandbox.run(arguments)
    #expect(refused.ending == .exited(2) && refused.errors.contains("exists"))
    let json = try sandbox.run([
      "proxies", "--tensor", Self.query, "--patterns", "8x1,32x1,2:4", "--sparsity", "0.5,0.8",
      "--json",
    ])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect((object?["cells"] as? [Any])?.count == 20)
    #expect((object?["agreements"] as? [Any])?.isEmpty == false)
  }

  @Test func sensitivityIsOneCurveATensor() throws {
    let run = try sandbox.run([
      "sensitivity", "--tensor", "*.self.*.weight", "--pattern", "32x1", "--sparsity",
      "0.2,0.5,0.9", "--json",
    ])
    #expect(run.ending == .exited(0), "\(run.errors)")
    let curves = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [[String: Any]]
    #expect(curves?.count == 3)
    for curve in curves ?? [] {
      let errors = curve["errors"] as? [Double] ?? []
      #expect(errors.count == 3 && errors == errors.sorted())
      #expect(curve["proxy"] as? String == "held-out output error")
    }
    let csv = try sandbox.run([
      "sensitivity", "--tensor", Self.query, "--pattern", "2:4", "--csv", "-",
    ])
    #expect(lines(csv.output).count == 2)
  }

  @Test func aPathSaysWhereEachShapeBreaks() throws {
    let run = try sandbox.run([
      "path", "--tensor", Self.query, "--patterns", "32x1,16x16", "--solve", "prox",
    ])
    #expect(run.ending == .exited(0), "\(run.errors)")
    #expect(run.output.contains("breaks at") && run.output.contains("% zeros"))
    let csv = try sandbox.run([
      "path", "--tensor", Self.query, "--patterns", "32x1", "--solve", "prox", "--csv", "-",
    ])
    #expect(lines(csv.output).count == 21)
  }

  @Test(arguments: [
    ("proxies --patterns 7y7", "'7y7'"), ("proxies --sparsity 1.4", "1.4"),
    ("proxies --end-to-end heads", "attention, ffn or all"),
    ("proxies --end-to-end attention", "model directory"),
    ("sensitivity --lambda 0.3", "sparsity-tui path"), ("sensitivity --sparsity 2", "from 0 to 1"),
    ("path --patterns 2:4", "lambda on 2:4"), ("path --solve obc", "solve obc"),
    ("path --tensor *.weight", "path takes one"),
    (
      "prune --tensor *.query.weight --pattern tvw64 --sparsity 0.8 --solve obc -o out.npy", "tvw64"
    ),
  ])
  func whatCannotBeIsRefused(arguments: String, word: String) throws {
    let run = try sandbox.run(arguments.split(separator: " ").map(String.init))
    #expect(run.ending == .exited(2), "\(run.errors)")
    #expect(run.errors.contains(word), "\(run.errors)")
  }
}
