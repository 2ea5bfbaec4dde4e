internal import CellUI
internal import Experiments

/// Why a mask is as fast as it is: causes from the counts and the measured ceilings, the weightiest
/// first, and one sentence.
struct Diagnosis: Hashable {
  enum Cause: Hashable {
    case noisy, denseWeak, fewTokens, bandwidth, singleRows, indexOverhead, padding, imbalance
    case tooDense, nearCeiling, rates
  }
  struct Finding: Hashable {
    var cause: Cause
    /// Which share of the time it explains, roughly: what the findings are ordered by.
    var weight: Double
    var text: String
  }
  var findings: [Finding] = []
  var sentence = ""

  init(_ state: State) {
    self.init(
      knobs: state.knobs, tensor: state.tensor, summary: state.summary.value,
      measurement: state.measurement.value, ceilings: state.machine?.ceilings,
      isMeasuring: state.runs.current(.measure) != nil)
  }

  init(
    knobs: Knobs, tensor: TensorInfo?, summary: PruningSummary?, measurement: Measurement?,
    ceilings: MachineCeilings?, isMeasuring: Bool = false
  ) {
    guard let measurement, let tensor else {
      sentence = Self.beforehand(knobs, summary, isMeasuring)
      return
    }
    let facts = Facts(knobs, tensor, measurement, ceilings)
    findings = facts.findings.sorted { $0.weight > $1.weight }
    sentence = facts.opening + (findings.first.map { ": " + $0.text } ?? "") + "."
  }

  private static func beforehand(
    _ knobs: Knobs, _ summary: PruningSummary?, _ isMeasuring: Bool
  ) -> String {
    guard let summary else { return "" }
    let density = 1 - summary.achievedSparsity
    let next = isMeasuring ? "Measuring now." : "Not measured yet."
    guard density > 0 else { return "Everything is pruned: only the bias is left. \(next)" }
    return
      "\(Wording.percent(summary.achievedSparsity)) zeros leave 1/\(NumberText.fixed(1 / density, 1)) "
      + "of the multiplications. \(next)"
  }
}

extension Diagnosis {
  /// The figures that causes are judged by.
  struct Facts {
    var knobs: Knobs
    var measurement: Measurement
    var ceilings: MachineCeilings?
    /// What the zeros allow by counting multiplications.
    var allowed: Double
    /// Useful floating-point operations a second, and the share of all threads' peak.
    var denseShare: Double?
    var sparseShare: Double?
    var bytesMoved: Double

    init(
      _ knobs: Knobs, _ tensor: TensorInfo, _ measurement: Measurement,
      _ ceilings: MachineCeilings?
    ) {
      self.knobs = knobs
      self.measurement = measurement
      self.ceilings = ceilings
      let denseFlops = 2 * Double(tensor.rows) * Double(tensor.columns) * Double(knobs.tokens)
      allowed = measurement.flopsUseful > 0 ? denseFlops / measurement.flopsUseful : .infinity
      bytesMoved = Double(measurement.bytesSparse + measurement.bytesActivations)
      if let peak = ceilings.map({ $0.peakFlops * Double(knobs.threads) }), peak > 0 {
        denseShare = denseFlops / (measurement.denseNs.estimate * 1e-9) / peak
        sparseShare = measurement.flopsExecuted / (measurement.sparseNs.estimate * 1e-9) / peak
      }
    }

    var opening: String {
      let speed = Figures.ratio(measurement.speedup.estimate)
      let bound =
        allowed.isFinite ? ", of the \(Figures.ratio(allowed)) its zeros allow" : ""
      switch measurement.verdict {
      case .faster: return "\(speed) faster\(bound)"
      case .slower:
        return
          "Slower than dense, \(speed), though its zeros allow \(Figures.ratio(allowed))"
      case .indistinguishable:
        return "Not told apart from dense (\(Wording.range(measurement.speedup)))"
      }
    }

    var findings: [Finding] {
      var found: [Finding] = []
      func find(_ cause: Cause, _ weight: Double, _ text: String) {
        found.append(Finding(cause: cause, weight: weight, text: text))
      }
      if let same = measurement.sameAgainstSame, measurement.footing == .noisy {
        find(
          .noisy, 3,
          "the machine is noisy, dense against itself gives "
            + "\(Wording.range(same)): trust no small difference")
      }
      let loss = allowed.isFinite ? 1 - measurement.speedup.estimate / allowed : 0
      let isSingle = knobs.pattern.rowsPerUnit == 1
      if let share = sparseShare, share > 0.85 {
        find(
          .nearCeiling, 0.35,
          "the sparse kernel runs at \(Wording.whole(share)) of the machine's peak; "
            + "only more zeros make it faster")
      }
      if knobs.tokens < 16 {
        find(
          .fewTokens, 1.2,
          "with \(knobs.tokens) token\(knobs.tokens == 1 ? "" : "s") every weight is read "
            + "for little work, so bytes decide: \(Figures.bytes(Double(measurement.bytesSparse))) "
            + "sparse against \(Figures.bytes(Double(measurement.bytesDense))) dense")
      } else if isSingle, loss > 0.2, (sparseShare ?? 0) < 0.85 {
        find(
          .singleRows, loss,
          "single rows load an input for most of their multiplications, so the L1 cache is the "
            + "limit; blocks of 8 or more rows share it")
      }
      let stored = Double(max(1, measurement.bytesSparse))
      let indices = Double(measurement.bytesIndices) / stored
      if indices > 0.35 {
        find(
          .indexOverhead, indices * 0.9,
          "\(Wording.whole(indices)) of the stored bytes are indices, not weights")
      }
      if measurement.flopsUseful > 0 {
        let waste = 1 - measurement.flopsUseful / max(measurement.flopsExecuted, 1)
        if waste > 0.15 {
          find(
            .padding, waste * 1.5, "\(Wording.whole(waste)) of the multiplications are with padding"
          )
        }
      }
      if measurement.imbalance > 1.2, knobs.threads > 1 {
        let idle = 1 - 1 / measurement.imbalance
        find(
          .imbalance, idle * 1.6,
          "the fullest thread has \(NumberText.fixed(measurement.imbalance, 2))x the mean "
            + "work, so the others wait \(Wording.whole(idle)) of the time")
      }
      if let share = denseShare, share < 0.45, knobs.tokens >= 32, measurement.verdict == .faster {
        find(
          .denseWeak, 0.8,
          "the dense kernel \(measurement.kernelDense) reaches only \(Wording.whole(share)) of "
            + "peak here, which flatters the ratio")
      }
      if allowed < 1.5, measurement.verdict != .faster {
        find(
          .tooDense, 1.1, "so few zeros cannot pay for their bookkeeping; prune more or stay dense")
      }
      if let ceilings, measurement.sparseNs.estimate > 0 {
        let rate = bytesMoved / (measurement.sparseNs.estimate * 1e-9)
        if rate > 0.5 * ceilings.memoryBandwidth * Double(knobs.threads), knobs.cache == .cold {
          find(
            .bandwidth, 0.9,
            "it moves \(Figures.rate(rate, "B/s")), which is what memory gives; "
              + "fewer bytes would help, fewer multiplications not")
        }
      }
      if let dense = denseShare, let sparse = sparseShare {
        find(
          .rates, 0.01,
          "the sparse kernel runs at \(Wording.whole(sparse)) of peak, the dense one at "
            + "\(Wording.whole(dense)), while dense multiplies by every zero as well")
      }
      return found
    }
  }
}

extension Pattern {
  /// Output rows that share one stored input column.
  var rowsPerUnit: Int {
    switch base {
    case .block(let rows, _): rows
    case .nm: 1
    case .row, .column: .max
    case .tile(let width), .tileElement(let width, _): width
    case .tileVector: 1
    }
  }
}

extension Wording {
  /// A share without a digit after the point: `61 %`.
  static func whole(_ fraction: Double) -> String { Figures.percent(fraction, places: 0) }
}
