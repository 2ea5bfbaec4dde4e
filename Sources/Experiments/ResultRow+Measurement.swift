extension ResultRow {
  /// A row from what is known of one pruned and timed tensor; what is not known stays missing.
  ///
  /// Left to whoever writes the file: `status` other than `ok`, and where the measurement does not carry
  /// its origin, `run_id`, `time_utc` and `tensor_sha256`.
  public init(
    model: ModelInfo, machine: MachineInfo?, cell: SweepCell, summary: PruningSummary?,
    quality: QualityReport?, measurement: Measurement?
  ) {
    self.init()
    let knobs = cell.knobs
    let tensor = model.tensors.first { $0.name == cell.tensor }
    self[.schemaVersion] = .integer(Self.schemaVersion)
    self[.hostID] = ResultCell(machine?.hostID)
    self[.cpuModel] = ResultCell(machine?.cpuModel)
    self[.isa] = ResultCell(machine?.isa)
    self[.device] = .text("cpu")
    self[.threads] = .integer(knobs.threads)
    self[.toolVersion] = .text(Experiments.toolVersion)
    self[.modelID] = .text(model.identity)
    self[.tensor] = .text(cell.tensor)
    self[.rows] = ResultCell(summary?.rows ?? tensor?.rows)
    self[.cols] = ResultCell(summary?.columns ?? tensor?.columns)
    self[.tokens] = .integer(knobs.tokens)
    self[.dtype] = .text(knobs.dtype.rawValue)
    self[.layout] = .text(knobs.layout.rawValue)
    self[.cache] = .text(knobs.cache.rawValue)
    fill(knobs.pattern)
    self[.criterion] = ResultCell((summary?.criterion ?? knobs.criterion)?.rawValue)
    self[.regularizer] = .text(knobs.effectiveRegularizer.rawValue)
    self[.solve] = .text(knobs.solve.rawValue)
    self[.lambda] = ResultCell(summary?.lambda ?? knobs.amount.lambda)
    self[.refit] = .text(knobs.refit ? "on" : "off")
    self[.scope] = .text(knobs.scope.rawValue)
    self[.calibrationID] = ResultCell(model.calibration?.identity)
    self[.seed] = ResultCell(Int(exactly: knobs.seed))
    self[.sparsityRequested] = ResultCell(knobs.requestedSparsity)
    if let summary { fill(summary) }
    self[.outputError] = ResultCell(quality?.outputError)
    if let measurement { fill(measurement) }
    self[.status] = .text(ResultStatus.ok.rawValue)
  }

  private mutating func fill(_ pattern: Pattern) {
    self[.pattern] = .text(pattern.description)
    self[.reorder] = ResultCell(pattern.reorder?.rawValue)
    switch pattern.base {
    case .block(let rows, let columns):
      self[.blockRows] = .integer(rows)
      self[.blockCols] = .integer(columns)
    case .nm(let kept, let group):
      self[.n] = .integer(kept)
      self[.m] = .integer(group)
    case .tile(let width), .tileElement(let width, _): self[.tile] = .integer(width)
    case .tileVector(let width):
      self[.tile] = .integer(width)
      self[.n] = .integer(2)
      self[.m] = .integer(4)
    case .row, .column: break
    }
  }

  private mutating func fill(_ summary: PruningSummary) {
    self[.sparsityAchieved] = .number(summary.achievedSparsity)
    self[.nnz] = .integer(summary.nonzeros)
    self[.keptL1] = ResultCell(summary.keptL1)
    self[.keptEnergy] = ResultCell(summary.keptEnergy)
    self[.weightError] = ResultCell(summary.weightError)
  }

  private mutating func fill(_ measurement: Measurement) {
    self[.kernelDense] = .text(measurement.kernelDense)
    self[.kernelSparse] = .text(measurement.kernelSparse)
    self[.bytesDense] = .integer(measurement.bytesDense)
    self[.bytesSparse] = .integer(measurement.bytesSparse)
    self[.flopsUseful] = ResultCell(measurement.flopsUseful)
    self[.flopsExecuted] = ResultCell(measurement.flopsExecuted)
    self[.packNs] = ResultCell(measurement.packNs)
    self[.denseNs] = ResultCell(measurement.denseNs.estimate)
    self[.denseNsLow] = ResultCell(measurement.denseNs.low)
    self[.denseNsHigh] = ResultCell(measurement.denseNs.high)
    self[.sparseNs] = ResultCell(measurement.sparseNs.estimate)
    self[.sparseNsLow] = ResultCell(measurement.sparseNs.low)
    self[.sparseNsHigh] = ResultCell(measurement.sparseNs.high)
    self[.speedup] = ResultCell(measurement.speedup.estimate)
    self[.speedupLow] = ResultCell(measurement.speedup.low)
    self[.speedupHigh] = ResultCell(measurement.speedup.high)
    self[.verdict] = .text(measurement.verdict.rawValue)
    self[.samples] = .integer(measurement.samples)
    self[.outliers] = .integer(measurement.outliers)
    self[.maxAbsError] = ResultCell(measurement.maxAbsError)
    if let origin = measurement.origin {
      self[.runID] = .text(origin.runID)
      self[.timeUTC] = .text(origin.timeUTC)
      self[.tensorSHA256] = .text(origin.tensorSHA256)
    }
  }
}

extension ResultRow {
  /// Whether the machine gave less than it can while this was timed, which its note says.
  public var isSlowed: Bool { self[.note].text.contains(Measurement.slowed) }
}
