import CellUI
import Experiments

/// Whole-model results as a person reads them.
enum ModelReportText {
  /// One model in full.
  static func text(_ report: ModelReport) -> String {
    let pattern =
      report.choices.isEmpty
      ? "unpruned" : report.isUniform ? report.choices[0].short : "chosen layer by layer"
    var text = "\(report.model)  \(report.selection.rawValue) layers "
    text += "(\(report.layers.count) pruned)  \(pattern)"
    if let zeros = report.achievedSparsity { text += "  \(Figures.percent(zeros)) zeros in them" }
    text += report.knobs.refit && !report.choices.isEmpty ? ", refitted" : ""
    text += report.isSequential ? ", in sequence\n\n" : "\n\n"
    text += "  \(headline(report))\n"
    text += TextTable.lines(times(report))
    text += "\nAgreement with the unpruned model on \(report.evaluationTexts) held-out sentences\n"
    text += TextTable.lines(proxies(report), numbers: [1, 2, 3])
    text += """
      The floor is the same layers zeroed completely. These are proxies: they do not say how a
      task's accuracy changes, and nothing was trained.

      """
    if !report.isUniform { text += "\n" + layers(report) }
    for note in report.notes { text += "\(note)\n" }
    return text
  }

  private static func times(_ report: ModelReport) -> [[String]] {
    var rest: [[String]] = []
    var rows = [
      [
        "  dense", Figures.duration(nanoseconds: report.denseNs.estimate),
        "\(report.texts) text\(report.texts == 1 ? "" : "s"), \(report.tokens) tokens, "
          + "tokenising and pooling included",
      ],
      ["  sparse", Figures.duration(nanoseconds: report.sparseNs.estimate)],
    ]
    if let equal = report.equalLength {
      rows.append([
        "  equal lengths", Figures.ratio(equal.speedup.estimate),
        "\(equal.texts) texts of \(equal.tokensPerText) tokens: "
          + "\(Figures.duration(nanoseconds: equal.denseNs.estimate)) dense, "
          + "\(Figures.duration(nanoseconds: equal.sparseNs.estimate)) sparse",
      ])
    }
    if let dense = report.restDenseNs, let sparse = report.restSparseNs {
      rest = [
        [
          "  all the rest", Figures.duration(nanoseconds: sparse),
          "\(Figures.duration(nanoseconds: dense)) beside the dense layers; the bound takes both for "
            + "equal",
        ]
      ]
    }
    rows += [
      [
        "  Amdahl", Figures.ratio(report.amdahl),
        "\(Figures.percent(report.prunedShare)) of the dense time is in these layers, "
          + "and they alone gain \(Figures.ratio(report.layerSpeedup)); "
          + "\(Figures.percent(report.amdahlShare)) of this bound is reached",
      ]
    ]
    rows += rest
    rows += [
      [
        "  outside linear layers", Figures.duration(nanoseconds: report.nonlinearNs),
        "a token and layer",
      ],
      [
        "  linear weights", Figures.bytes(Double(report.storage.bytesSparse)),
        "\(Figures.bytes(Double(report.storage.bytesDense))) dense",
      ],
    ]
    return rows
  }

  private static func proxies(_ report: ModelReport) -> [[String]] {
    func row(_ name: String, _ value: (EmbeddingProxies) -> Double?) -> [String] {
      func text(_ value: Double?) -> String { value.map { Figures.fixed($0, 3) } ?? "–" }
      return [name, text(value(report.agreement)), text(value(report.floor)), "1"]
    }
    return [
      ["  proxy", "pruned", "floor", "dense"],
      row("  mean cosine", \.cosine),
      row("  rank correlation of similarities", \.rankCorrelation),
      row("  same nearest neighbour", \.neighbourAgreement),
    ]
  }

  private static func layers(_ report: ModelReport) -> String {
    var rows = [["layer", "choice", "zeros", "dense", "sparse"]]
    for (index, choice) in report.choices.enumerated() {
      let summary = report.layers[index]
      let time = report.layerTimes.first { $0.tensor == choice.tensor }
      rows.append([
        choice.tensor, choice.short, Figures.percent(summary.achievedSparsity),
        Figures.duration(nanoseconds: time?.denseNs),
        Figures.duration(nanoseconds: time?.sparseNs),
      ])
    }
    return TextTable.lines(rows, numbers: [2, 3, 4]) + "layers that are not listed stay dense\n"
  }

  /// Several models, one a line, those that no other beats marked.
  static func table(_ reports: [ModelReport]) -> String {
    let front = ParetoFront.models(reports)
    var rows = [
      ["", "choice", "zeros", "cosine", "rank", "neighbour", "speedup", "95 % interval", "sparse"]
    ]
    for report in reports {
      let speedup = report.speedup
      rows.append([
        front.contains(report) ? "*" : "",
        report.isUniform
          ? report.choices.first?.short ?? "unpruned" : report.notes.first ?? "mixed",
        Figures.percent(report.achievedSparsity), Figures.fixed(report.agreement.cosine, 3),
        Figures.plain(report.agreement.rankCorrelation),
        Figures.plain(report.agreement.neighbourAgreement), Figures.ratio(speedup.estimate),
        "[\(Figures.fixed(speedup.low, 3)), \(Figures.fixed(speedup.high, 3))]",
        Figures.duration(nanoseconds: report.sparseNs.estimate),
      ])
    }
    guard let first = reports.first else { return "" }
    return
      "\(first.model)  \(first.selection.rawValue) layers, \(first.texts) texts, "
      + "\(first.tokens) tokens, \(first.threads) thread\(first.threads == 1 ? "" : "s"); "
      + "dense \(Figures.duration(nanoseconds: first.denseNs.estimate)); "
      + "cosine with these layers zeroed \(Figures.fixed(first.floor.cosine, 3))\n"
      + TextTable.lines(rows, numbers: [2, 3, 4, 5, 6, 8])
      + "* no other is both faster and nearer to the unpruned model\n"
  }

  /// Patterns against each other where their embeddings agree equally well.
  static func equalQuality(_ table: EqualQuality) -> String {
    var rows = [["speedup at mean cosine"] + table.cosines.map { NumberText.shortest($0) }]
    for (pattern, points) in zip(table.patterns, table.points) {
      rows.append(
        ["  " + pattern.description]
          + points.map { point in
            guard let point else { return "–" }
            return Figures.ratio(point.speedup) + (point.isInterpolated ? "" : "+")
              + " (\(Figures.percent(point.sparsity, places: 0)))"
          })
    }
    return "\n" + TextTable.lines(rows, numbers: Set(1...max(1, table.cosines.count)))
      + "between two measured models; in brackets the zeros. + is better than asked, – never that good\n"
  }

  static func sensitivity(_ layers: [LayerSensitivity]) -> String {
    var rows = [["layer pruned alone", "pattern", "zeros", "cosine", "output error", "time"]]
    for layer in layers {
      for point in layer.points {
        rows.append([
          layer.tensor, point.pattern.description, Figures.percent(point.sparsity),
          Figures.fixed(point.cosine, 4), Figures.plain(point.outputError),
          Figures.percent(point.timeShare),
        ])
      }
    }
    return TextTable.lines(rows, numbers: [2, 3, 4, 5])
      + "cosine: mean over sentences that neither calibrate nor judge; time: of the dense layer's\n"
  }

  private static func headline(_ report: ModelReport) -> String {
    let ratio = report.speedup
    let figure =
      switch report.verdict {
      case .faster: "\(Figures.ratio(ratio.estimate)) faster than dense"
      case .slower: "\(Figures.ratio(1 / ratio.estimate)) slower than dense"
      case .indistinguishable: "no faster and no slower than dense"
      }
    return "\(figure), end to end   95 % interval of the ratio [\(Figures.fixed(ratio.low, 3)), "
      + "\(Figures.fixed(ratio.high, 3))]   \(report.samples) pairs   "
      + "\(report.threads) thread\(report.threads == 1 ? "" : "s")"
  }
}
