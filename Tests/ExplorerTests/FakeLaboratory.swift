import CellUI
import Experiments

@testable import Explorer

/// Answers requests from formulas: the same request always gives the same answer, no matrix behind it.
enum FakeLaboratory {
  static let model = ModelInfo(
    path: "demo", name: "minilm-l6", identity: "5c0f00aa",
    tensors: [
      TensorInfo(
        name: "embeddings.word_embeddings.weight", dtype: "F32", shape: [3000, 384],
        bytes: 4_608_000)
    ]
      + (0..<2).flatMap { layer in
        [
          ("attention.self.query", 384, 384), ("attention.self.key", 384, 384),
          ("attention.self.value", 384, 384), ("attention.output.dense", 384, 384),
          ("intermediate.dense", 1536, 384), ("output.dense", 384, 1536),
        ].map { name, rows, columns in
          TensorInfo(
            name: "encoder.layer.\(layer).\(name).weight", dtype: "F32", shape: [rows, columns],
            bytes: 4 * rows * columns, hasActivations: true)
        }
      }
      + [
        TensorInfo(
          name: "encoder.layer.0.output.dense.bias", dtype: "F32", shape: [384], bytes: 1536)
      ],
    calibration: CalibrationInfo(
      identity: "ca1", source: "demo", calibrationRows: 1000, evaluationRows: 500),
    isEncoder: true)

  static let machine = MachineInfo(
    hostID: "7f3a", cpuModel: "Fake CPU", isa: "avx512", cores: 4, threadsPerCore: 1,
    l1Bytes: 49152, l2Bytes: 1 << 20, l3Bytes: 32 << 20, memoryBytes: 1 << 34, governor: nil,
    quota: nil, loadAverage: 0.1, kernelRelease: "6", virtualMachine: true,
    ceilings: MachineCeilings(
      peakFlops: 240e9, l1Bandwidth: 480e9, l2Bandwidth: 200e9, l3Bandwidth: 80e9,
      memoryBandwidth: 25e9, denseShare: 0.8, denseKernel: "dnnl"))

  static func zeros(_ knobs: Knobs) -> Double {
    knobs.requestedSparsity ?? min(1, (knobs.amount.lambda ?? 0) * 1.1)
  }

  static func size(_ tensor: String) -> (rows: Int, columns: Int) {
    let info = model.tensors.first { $0.name == tensor }
    return (info?.rows ?? 0, info?.columns ?? 0)
  }

  static func summary(_ tensor: String, _ knobs: Knobs) -> PruningSummary {
    let (rows, columns) = size(tensor)
    let kept = 1 - zeros(knobs)
    let unit = knobs.pattern.unit.map { $0.rows * $0.columns } ?? 1
    return PruningSummary(
      tensor: tensor, rows: rows, columns: columns, criterion: knobs.criterion ?? .wanda,
      nonzeros: Int((kept * Double(rows * columns)).rounded()),
      requestedSparsity: knobs.requestedSparsity, keptL1: kept * 0.9 + 0.1,
      keptEnergy: kept * 0.8 + 0.2, weightError: (1 - kept) * 0.7,
      keptWandaEnergy: kept * 0.7 + 0.3,
      units: rows * columns / unit, unitsKept: Int(kept * Double(rows * columns / unit)),
      randomKeptEnergy: kept)
  }

  static func quality(_ knobs: Knobs) -> QualityReport {
    let zeros = zeros(knobs)
    return QualityReport(
      outputError: zeros * 0.4, outputErrorUnrefitted: zeros * 0.5, outputErrorRandom: zeros * 0.9,
      outputCosine: 1 - zeros * 0.1)
  }

  /// Blocks of the pattern's unit, kept by a mixing function of their place.
  static func isKept(_ knobs: Knobs, _ row: Int, _ column: Int) -> Bool {
    let unit = knobs.pattern.unit ?? (1, 1)
    var mix = UInt64(row / unit.rows) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(column / unit.columns)
    mix = (mix ^ (mix >> 31)) &* 0xBF58_476D_1CE4_E5B9
    return Double((mix >> 40) % 1000) / 1000 >= zeros(knobs)
  }

  static func weight(_ row: Int, _ column: Int) -> Float {
    Float((row * 31 + column * 17) % 200 - 100) / 1000
  }

  static func picture(
    _ tensor: String, _ knobs: Knobs, _ viewport: Viewport, _ pixelRows: Int, _ pixelColumns: Int
  ) -> MaskPicture {
    var density: [UInt8] = []
    var magnitude: [UInt8] = []
    for y in 0..<pixelRows {
      for x in 0..<pixelColumns {
        let row = viewport.row + y * viewport.rows / pixelRows
        let column = viewport.column + x * viewport.columns / pixelColumns
        density.append(isKept(knobs, row, column) ? 255 : 0)
        magnitude.append(UInt8(min(255, abs(weight(row, column)) * 2550)))
      }
    }
    let few = viewport.rows * viewport.columns <= 4096
    var values: [Float]?
    if few {
      values = (0..<viewport.rows).flatMap { row in
        (0..<viewport.columns).map { weight(viewport.row + row, viewport.column + $0) }
      }
    }
    return MaskPicture(
      viewport: viewport, pixelRows: pixelRows, pixelColumns: pixelColumns, density: density,
      magnitude: magnitude, values: values,
      rowDensity: (0..<pixelRows).map { UInt8(40 + $0 * 97 % 120) },
      columnDensity: (0..<pixelColumns).map { UInt8(30 + $0 * 53 % 200) })
  }

  static func measurement(
    _ tensor: String, _ knobs: Knobs, isFinal: Bool = true
  ) -> Measurement {
    let (rows, columns) = size(tensor)
    let kept = max(0.01, 1 - zeros(knobs))
    let wide = knobs.pattern.rowsPerUnit >= 8
    let speed = (wide ? 0.6 : 0.25) / kept
    let dense = Double(rows * columns * knobs.tokens) * 2 / 200
    let nonzeros = kept * Double(rows * columns)
    let spread = isFinal ? 0.012 : 0.08
    return Measurement(
      kernelDense: "dnnl sgemm", kernelSparse: wide ? "slab8 avx512" : "slab1 avx512",
      refused: ["slab8: blocks of one row share no input"], bytesDense: rows * columns * 4,
      bytesSparse: Int(nonzeros * 4.2), bytesValues: Int(nonzeros * 4),
      bytesIndices: Int(nonzeros * 0.2), bytesPadding: 0,
      bytesActivations: (rows + columns) * knobs.tokens * 4,
      flopsUseful: 2 * nonzeros * Double(knobs.tokens),
      flopsExecuted: 2 * nonzeros * Double(knobs.tokens), imbalance: 1.02, packNs: 180_000,
      denseNs: Interval(estimate: dense, low: dense * 0.99, high: dense * 1.01),
      sparseNs: Interval(
        estimate: dense / speed, low: dense / speed * 0.99, high: dense / speed * 1.01),
      speedup: Interval(estimate: speed, low: speed * (1 - spread), high: speed * (1 + spread)),
      samples: isFinal ? 41 : 7, outliers: 1, maxAbsError: 3.1e-6,
      sameAgainstSame: Interval(estimate: 1, low: 0.994, high: 1.006), isFinal: isFinal,
      rawSamples: isFinal
        ? (0..<41).map { [dense, dense / speed * (1 + Double($0 * 13 % 41 - 20) / 1000)] } : [])
  }

  static func row(_ cell: SweepCell) -> ResultRow {
    ResultRow(
      model: model, machine: machine, cell: cell, summary: summary(cell.tensor, cell.knobs),
      quality: quality(cell.knobs), measurement: measurement(cell.tensor, cell.knobs))
  }

  /// The answers to a request, in order; a sweep answers its first `cells` cells.
  /// A training answers its first `reports` reports.
  static func answers(
    _ request: Request, cells: Int = .max, reports: Int = .max
  ) -> [Answer] {
    switch request {
    case .open(let path):
      var model = model
      if let path { model.path = path }
      return [.opened(model)]
    case .calibrate: return [.opened(model)]
    case .prune(let tensor, let knobs):
      return [.pruned(summary(tensor, knobs)), .quality(quality(knobs))]
    case .picture(let tensor, let knobs, let viewport, let pixelRows, let pixelColumns, _):
      return [.picture(picture(tensor, knobs, viewport, pixelRows, pixelColumns))]
    case .weight(_, let knobs, let row, let column):
      let kept = isKept(knobs, row, column)
      return [
        .weight(
          WeightReport(
            row: row, column: column, value: weight(row, column), kept: kept,
            unit: "block (\(row / 32), \(column))", score: 0.5, rank: 812, units: 4608,
            threshold: 0.4, reason: kept ? "its score is above the last kept" : "its score is below"
          ))
      ]
    case .measure(let tensor, let knobs):
      return [
        .measuring(measurement(tensor, knobs, isFinal: false)),
        .measured(measurement(tensor, knobs)),
      ]
    case .sweep(let plan):
      let all = plan.cells
      var answers = all.prefix(cells).enumerated().map { index, cell in
        Answer.sweeping(
          SweepProgress(
            cell: index, row: row(cell), finished: index + 1, total: all.count,
            elapsedSeconds: Double(index + 1) * 0.5,
            remainingSeconds: Double(all.count - index - 1) * 0.5))
      }
      if cells >= all.count {
        answers.append(
          .swept(
            SweepProgress(
              cell: nil, row: nil, finished: all.count, total: all.count,
              elapsedSeconds: Double(all.count) * 0.5, remainingSeconds: 0)))
      }
      return answers
    case .sensitivity(let tensors, _, let sparsities):
      return tensors.enumerated().map { index, tensor in
        .sensitivity(
          SensitivityCurve(
            tensor: tensor, sparsities: sparsities,
            errors: sparsities.map { $0 * $0 * (0.4 + Double(index % 5) * 0.1) },
            proxy: "output error"))
      } + [.finished]
    case .path(let tensor, _):
      return [
        .path(
          RegularizationPath(
            tensor: tensor,
            points: [1, 0.5, 0.2, 0.1, 0.05].map {
              .init(
                lambda: $0, sparsity: min(1, $0 * 1.1), units: 10, outputError: $0 * 0.5,
                iterations: 5)
            }, isFinal: true))
      ]
    case .crossover(_, _, let axis):
      return [
        .crossover(
          Crossover(
            axis: axis, at: Interval(estimate: 0.62, low: 0.6, high: 0.64),
            points: [0.3, 0.5, 0.6, 0.7, 0.9].map {
              .init(
                position: $0,
                speedup: Interval(
                  estimate: 0.6 / (1 - $0) / 1.5, low: 0.5 / (1 - $0) / 1.5,
                  high: 0.7 / (1 - $0) / 1.5))
            },
            sentence: "32x1 wins from 62 % zeros [60 %, 64 %] at 128 tokens.", isFinal: true))
      ]
    case .wholeModel(let choices, let knobs, let models):
      guard let models else { return [.encoded(report(choices, knobs, share: 1))] }
      return (1...models).map { step in
        var report = report(choices, knobs, share: Double(step) / Double(models))
        report.notes = ["front \(step) of \(models)"]
        return .encoded(report)
      } + [.finished]
    case .describeMachine: return [.machine(machine)]
    case .train(let plan): return training(plan, reports: reports)
    case .steerTraining(.stop): return [.trained(trained(TrainingPlan(), evaluations: 12, true))]
    case .steerTraining: return []
    }
  }
}
