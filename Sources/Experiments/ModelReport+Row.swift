extension ResultRow {
  /// A whole model as a row: `tensor` is `*`, sizes are those of the chosen layers together.
  ///
  /// `bytes_…` and `flops_…` count all linear layers, pruned or not. With a pattern of its own for each
  /// layer `pattern` is `mixed` and `note` names them. Left to whoever writes the file: `run_id` and
  /// `time_utc`.
  public init(_ report: ModelReport, machine: MachineInfo?) {
    var knobs = report.knobs
    knobs.tokens = report.tokens
    knobs.threads = report.threads
    self.init(
      model: ModelInfo(
        path: report.model, name: report.model, identity: report.modelID, tensors: []),
      machine: machine, cell: SweepCell(tensor: "*", knobs: knobs), summary: nil, quality: nil,
      measurement: nil)
    if !report.isUniform {
      self[.pattern] = .text("mixed")
      for column in [
        ResultColumn.blockRows, .blockCols, .n, .m, .tile, .reorder, .sparsityRequested, .lambda,
      ] { self[column] = .missing }
    }
    if let criterion = report.layers.first?.criterion,
      report.layers.allSatisfy({ $0.criterion == criterion })
    {
      self[.criterion] = .text(criterion.rawValue)
    }
    self[.calibrationID] = ResultCell(report.calibrationID)
    self[.sparsityAchieved] = ResultCell(report.achievedSparsity)
    self[.nnz] = .integer(report.nonzeros)
    self[.cosine] = ResultCell(report.agreement.cosine)
    self[.rankCorrelation] = ResultCell(report.agreement.rankCorrelation)
    self[.neighbourAgreement] = ResultCell(report.agreement.neighbourAgreement)
    self[.bytesDense] = .integer(report.storage.bytesDense)
    self[.bytesSparse] = .integer(report.storage.bytesSparse)
    self[.flopsUseful] = ResultCell(report.storage.flopsUseful)
    self[.flopsExecuted] = ResultCell(report.storage.flopsExecuted)
    self[.denseNs] = ResultCell(report.denseNs.estimate)
    self[.denseNsLow] = ResultCell(report.denseNs.low)
    self[.denseNsHigh] = ResultCell(report.denseNs.high)
    self[.sparseNs] = ResultCell(report.sparseNs.estimate)
    self[.sparseNsLow] = ResultCell(report.sparseNs.low)
    self[.sparseNsHigh] = ResultCell(report.sparseNs.high)
    self[.speedup] = ResultCell(report.speedup.estimate)
    self[.speedupLow] = ResultCell(report.speedup.low)
    self[.speedupHigh] = ResultCell(report.speedup.high)
    self[.verdict] = .text(report.verdict.rawValue)
    self[.samples] = .integer(report.samples)
    self[.outliers] = .integer(report.outliers)
    self[.maxAbsError] = ResultCell(report.maxAbsError)
    var notes = ["\(report.selection.rawValue) layers, \(report.texts) texts"]
    if report.isSequential { notes.append("calibrated in sequence") }
    if !report.isUniform {
      notes.append(report.choices.map { "\($0.tensor)=\($0.short)" }.joined(separator: " "))
    }
    self[.note] = .text((notes + report.notes).joined(separator: "; "))
  }
}

extension ParetoFront {
  /// The whole models that no other beats in both time and mean cosine, by growing speedup.
  public static func models(_ reports: [ModelReport]) -> [ModelReport] {
    indices(
      gain: reports.map(\.speedup.estimate), loss: reports.map { 1 - $0.agreement.cosine }
    ).map { reports[$0] }
  }
}
