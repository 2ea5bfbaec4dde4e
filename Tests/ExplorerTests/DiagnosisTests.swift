import Experiments
import Testing

@testable import Explorer

/// Constructed cases, one for each cause: the sentence must name it and nothing weightier.
@Suite struct DiagnosisTests {
  static let tensor = TensorInfo(name: "w", dtype: "F32", shape: [768, 768], bytes: 4 * 768 * 768)
  static let ceilings = FakeLaboratory.machine.ceilings!

  struct Case {
    var knobs = Knobs()
    var kept = 0.1
    /// Shares of the peak.
    var dense = 0.85
    var sparse = 0.5
    var indices = 0.05
    var executed = 1.0
    var imbalance = 1.0
    var same = Interval(estimate: 1, low: 0.99, high: 1.01)

    func diagnosis() -> Diagnosis {
      let total = 2.0 * 768 * 768 * Double(knobs.tokens)
      let useful = total * kept
      let peak = DiagnosisTests.ceilings.peakFlops * Double(knobs.threads)
      let denseNs = total / (peak * dense) * 1e9
      let sparseNs = useful * executed / (peak * sparse) * 1e9
      let speed = denseNs / sparseNs
      let bytes = 4 * 768 * 768 * kept / (1 - indices)
      return Diagnosis(
        knobs: knobs, tensor: DiagnosisTests.tensor,
        summary: nil,
        measurement: Measurement(
          kernelDense: "dnnl", kernelSparse: "slab", bytesDense: 4 * 768 * 768,
          bytesSparse: Int(bytes), bytesValues: Int(bytes * (1 - indices)),
          bytesIndices: Int(bytes * indices), bytesPadding: 0,
          bytesActivations: 2 * 768 * knobs.tokens * 4, flopsUseful: useful,
          flopsExecuted: useful * executed, imbalance: imbalance, packNs: 1e5,
          denseNs: Interval(estimate: denseNs, low: denseNs, high: denseNs),
          sparseNs: Interval(estimate: sparseNs, low: sparseNs, high: sparseNs),
          speedup: Interval(estimate: speed, low: speed * 0.99, high: speed * 1.01), samples: 20,
          outliers: 0, maxAbsError: 0, sameAgainstSame: same, isFinal: true),
        ceilings: DiagnosisTests.ceilings)
    }
  }

  func knobs(_ pattern: String, tokens: Int = 128, threads: Int = 1) -> Knobs {
    var knobs = Knobs()
    knobs.pattern = Pattern(pattern)!
    knobs.tokens = tokens
    knobs.threads = threads
    return knobs
  }

  @Test func goodMaskIsSaidToRunNearThePeak() {
    let diagnosis = Case(dense: 0.95, sparse: 0.9).diagnosis()
    #expect(diagnosis.findings.first?.cause == .nearCeiling)
    #expect(diagnosis.sentence.hasPrefix("9.47x faster, of the 10.0x its zeros allow: "))
  }

  @Test func fewTokensAreNamed() {
    let diagnosis = Case(knobs: knobs("32x1", tokens: 1), sparse: 0.05).diagnosis()
    #expect(diagnosis.findings.first?.cause == .fewTokens)
    #expect(diagnosis.sentence.contains("with 1 token every weight"))
  }

  @Test func singleRowsAreNamed() {
    let diagnosis = Case(knobs: knobs("1x1"), sparse: 0.2).diagnosis()
    #expect(diagnosis.findings.first?.cause == .singleRows)
    #expect(diagnosis.sentence.contains("L1"))
  }

  @Test func blocksAreNotBlamedForSingleRows() {
    let diagnosis = Case(knobs: knobs("32x1"), sparse: 0.2).diagnosis()
    #expect(!diagnosis.findings.contains { $0.cause == .singleRows })
  }

  @Test func indexOverheadIsNamed() {
    let diagnosis = Case(indices: 0.5).diagnosis()
    #expect(diagnosis.findings.first?.cause == .indexOverhead)
    #expect(diagnosis.sentence.contains("50 % of the stored bytes are indices"))
  }

  @Test func paddingIsNamed() {
    let diagnosis = Case(executed: 1.6).diagnosis()
    #expect(diagnosis.findings.first?.cause == .padding)
    #expect(diagnosis.sentence.contains("38 % of the multiplications are with padding"))
  }

  @Test func imbalanceIsNamedOnlyWithThreads() {
    let diagnosis = Case(knobs: knobs("32x1", threads: 4), imbalance: 1.8).diagnosis()
    #expect(diagnosis.findings.first?.cause == .imbalance)
    #expect(!Case(imbalance: 1.8).diagnosis().findings.contains { $0.cause == .imbalance })
  }

  @Test func noisyMachineGoesBeforeEverything() {
    let diagnosis =
      Case(knobs: knobs("1x1"), sparse: 0.2, same: Interval(estimate: 1.1, low: 1.05, high: 1.2))
      .diagnosis()
    #expect(diagnosis.findings.first?.cause == .noisy)
    #expect(diagnosis.sentence.contains("noisy"))
  }

  @Test func weakDenseKernelIsSaidToFlatter() {
    let diagnosis = Case(dense: 0.3).diagnosis()
    #expect(diagnosis.findings.first?.cause == .denseWeak)
    #expect(diagnosis.sentence.contains("flatters"))
  }

  @Test func slowerIsSaidAsSlower() {
    let diagnosis = Case(knobs: knobs("1x1"), kept: 0.8, sparse: 0.1).diagnosis()
    #expect(
      diagnosis.sentence.hasPrefix("Slower than dense, 0.15x, though its zeros allow 1.25x: "))
  }

  @Test func beforeMeasuringItSaysWhatTheZerosAllow() {
    let diagnosis = Diagnosis(
      knobs: Knobs(), tensor: Self.tensor,
      summary: FakeLaboratory.summary("encoder.layer.0.attention.self.query.weight", Knobs()),
      measurement: nil, ceilings: nil)
    #expect(
      diagnosis.sentence == "80 % zeros leave 1/5.0 of the multiplications. Not measured yet.")
  }

  @Test func kneeIsWhereMuchSpeedCostsLittleQuality() {
    func point(_ speed: Double, _ error: Double) -> TradeOffPoint {
      var row = ResultRow()
      row[.speedup] = .number(speed)
      row[.sparseNs] = .number(1000 / speed)
      row[.outputError] = .number(error)
      return TradeOffPoint(row: row, source: 0)
    }
    // The second lies on the worse side of the line between the ends, the third on the better one.
    let points = [point(1, 0.1), point(2, 0.5), point(8, 0.55), point(16, 0.9)]
    #expect(Front(points, .speedup, .outputError).knee == 2)
    #expect(Front(points, .sparseNs, .outputError).knee == 2)
    let hollow = [point(1, 0.1), point(2, 0.6), point(16, 0.9)]
    #expect(Front(hollow, .speedup, .outputError).knee == nil)
  }

  @Test func frontHoldsExactlyWhatNothingBeats() {
    var random = SeededRandom(23)
    for count in [1, 2, 3, 40] {
      let points = (0..<count).map { _ in
        var row = ResultRow()
        row[.speedup] = .number(Double(random.next() % 20) / 4)
        row[.outputError] = .number(Double(random.next() % 20) / 20)
        return TradeOffPoint(row: row, source: 0)
      }
      let front = Front(points, .speedup, .outputError)
      func value(_ index: Int) -> (Double, Double) {
        (points[index].row[.speedup].number!, -points[index].row[.outputError].number!)
      }
      for index in points.indices {
        let (x, y) = value(index)
        let isBeaten = points.indices.contains { other in
          let (p, q) = value(other)
          return p >= x && q >= y && (p > x || q > y)
        }
        let isTwin = front.members.contains { value($0) == (x, y) }
        #expect(isTwin == !isBeaten)
      }
      let across = front.members.map { value($0).0 }
      #expect(across == across.sorted())
    }
  }
}
