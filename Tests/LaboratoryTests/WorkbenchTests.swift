import Experiments
import Glibc
import Kernels
import Pruning
import Tensors
import Testing

@testable import Laboratory

@Suite struct WorkbenchTests {
  @Test func theBuiltInModelOpensWithActivationsForItsSixWeights() throws {
    let info = try Workbench(briefConfiguration()).open(path: nil)
    #expect(info.path == "demo")
    #expect(info.prunable.count == 6)
    #expect(info.prunable.allSatisfy { $0.hasActivations })
    #expect(info.calibration?.calibrationRows == 1024)
    #expect(info.calibration?.evaluationRows == 512)
    #expect(!info.isEncoder)
  }

  @Test func theFeedForwardInputIsRecomputedFromTheLayerBefore() throws {
    let bench = try workbench(opening: nil)
    let layer = try bench.layer("encoder.layer.0.output.dense.weight")
    let statistics = try #require(layer.statistics)
    #expect(statistics.inputs == 1536)
    #expect(statistics.rows == 1024)
    #expect(layer.bias?.count == 384)
    // The slow way, for the first row: gelu(x · Wᵀ + b).
    let model = try bench.current().model
    let activations = try ActivationFile.open(dataDirectory + "/demo-activations.safetensors")
    let x = try #require(
      try activations.calibration(ofInput: "encoder.layer.0.intermediate.dense"))
    let weight = try model.matrix(named: "encoder.layer.0.intermediate.dense.weight")
    let bias = try model.vector(named: "encoder.layer.0.intermediate.dense.bias")
    var one = Matrix(rows: 1, columns: 384)
    for feature in 0..<384 { one[0, feature] = x[0, feature] }
    let fast = one.feedForward(weight: weight, bias: bias)
    for output in stride(from: 0, to: 1536, by: 97) {
      var sum = Double(bias[output])
      for feature in 0..<384 { sum += Double(one[0, feature]) * Double(weight[output, feature]) }
      let gelu = 0.5 * sum * (1 + erf(sum / 2.0.squareRoot()))
      #expect(abs(Double(fast[0, output]) - gelu) < 1e-4 * max(1, abs(gelu)))
    }
  }

  @Test func layersWithTheSameInputShareItsStatistics() throws {
    let bench = try workbench(opening: nil)
    let first = try bench.layer(query).statistics
    let second = try bench.layer("encoder.layer.0.attention.self.key.weight").statistics
    #expect(first === second)
    let other = try bench.layer("encoder.layer.0.attention.output.dense.weight").statistics
    #expect(first !== other)
  }

  @Test func whatIsMissingIsSaidByName() throws {
    let bench = Workbench(briefConfiguration())
    #expect(throws: LaboratoryError.noModelOpen) { try bench.layer("x") }
    #expect(throws: LaboratoryError.noBuiltInModel) {
      try Workbench(LaboratoryConfiguration(dataDirectory: "/nonexistent")).open(path: nil)
    }
    _ = try bench.open(path: nil)
    #expect(throws: LaboratoryError.self) { try bench.layer("encoder.layer.9.weight") }
    #expect(throws: LaboratoryError.self) {
      try bench.layer("encoder.layer.0.output.LayerNorm.weight")
    }
    do {
      _ = try bench.layer("nothing")
    } catch { #expect(error.description.contains("demo has no tensor 'nothing'")) }
    do {
      _ = try bench.open(path: "/nonexistent.safetensors")
      Issue.record("a file that is not there was opened")
    } catch { #expect(error.kind == .unreadable) }
    // The model that was open stays open.
    #expect(try bench.current().info.name == "demo")
  }

  @Test func pruningAndItsProxiesAreThoseOfTheKnobs() throws {
    let bench = try workbench(opening: nil)
    let pruned = try bench.prune(query, knobs("32x1", 0.8)) { _ in true }
    #expect(pruned.summary.criterion == .wanda)
    #expect(abs(pruned.mask.sparsity - 0.8) < 1e-3)
    let report = try bench.quality(
      of: pruned, query, knobs("32x1", 0.8), isCancelled: { false })
    let refitted = try #require(report.outputError)
    let plain = try #require(report.outputErrorUnrefitted)
    let random = try #require(report.outputErrorRandom)
    #expect(refitted < plain)
    #expect(plain < random)
    let again = try bench.prune(query, knobs("32x1", 0.8)) { _ in true }
    #expect(again.mask == pruned.mask)
  }

  @Test func aGlobalThresholdSharesTheSparsityAmongTheTensors() throws {
    let bench = try workbench(opening: nil)
    var shared = try knobs("32x1", 0.8)
    shared.scope = .global
    shared.ceiling = 0.95
    let names = try bench.current().info.prunable.map(\.name)
    var kept = 0
    var total = 0
    var sparsities: Set<Double> = []
    for name in names {
      let pruned = try bench.prune(name, shared) { _ in true }
      kept += pruned.mask.count
      total += pruned.mask.rows * pruned.mask.columns
      sparsities.insert(pruned.mask.sparsity)
    }
    #expect(abs(1 - Double(kept) / Double(total) - 0.8) < 0.01)
    #expect(sparsities.count > 2)
    #expect(sparsities.allSatisfy { $0 <= 0.951 })
  }

  @Test func picturesAndWeightsAreOfTheSameMask() throws {
    let bench = try workbench(opening: nil)
    let setting = try knobs("16x16", 0.5)
    let pruned = try bench.prune(query, setting) { _ in true }
    let picture = try bench.picture(
      query, setting, Viewport(row: 0, column: 0, rows: 384, columns: 384), pixelRows: 24,
      pixelColumns: 24, reordered: false
    ) { _ in true }
    #expect(picture.density.count == 576)
    for block in [0, 25, 333, 575] {
      let kept = pruned.mask[block / 24 * 16, block % 24 * 16]
      #expect(picture.density[block] == (kept ? 255 : 0))
      let report = try bench.weight(
        query, setting, row: block / 24 * 16, column: block % 24 * 16
      ) { _ in true }
      #expect(report.kept == kept)
    }
  }

  @Test(arguments: ["32x1", "1x1", "16x16", "2:4", "row", "column", "tw64", "tew64+5%", "tvw64"])
  func everyPatternIsCheckedTimedAndCounted(pattern: String) throws {
    let bench = try workbench(opening: "synthetic:96x80:3")
    let setting = try knobs(pattern, pattern == "2:4" ? nil : 0.75)
    let found = try bench.measure(
      try bench.layer("weight"), setting, plan: bench.measurePlan, keepSamples: .all,
      isCancelled: { false })
    let pruned = try bench.prune("weight", setting) { _ in true }
    #expect(found.isFinal)
    #expect(found.samples >= 6)
    #expect(found.rawSamples.count == found.samples)
    #expect(found.speedup.low <= found.speedup.estimate)
    #expect(found.speedup.estimate <= found.speedup.high)
    #expect(found.flopsUseful == 2 * Double(pruned.mask.count) * 128)
    #expect(found.bytesDense >= 96 * 80 * 4)
    #expect(found.packNs > 0)
    #expect(found.maxAbsError < 1e-4)
    #expect(found.sameAgainstSame != nil)
    #expect(found.verdict == Verdict(speedup: found.speedup))
  }

  /// At 0.95 the last four rows of this tensor keep no block: their output is the bias.
  @Test func rowsWithoutWeightsAtTheEndGiveTheBias() throws {
    let bench = try workbench(opening: nil)
    let layer = try bench.layer("encoder.layer.0.attention.output.dense.weight")
    let setting = try knobs("1x32", 0.95)
    let pruned = try bench.prune(layer.name, setting) { _ in true }
    try #require((380..<384).allSatisfy { pruned.mask.count(row: $0) == 0 })
    let contest = try bench.contest(layer, pruned, setting, isCancelled: { false })
    #expect(contest.maxAbsError.isFinite)
  }

  @Test(arguments: [1, 2, 8, 15, 16, 33])
  func everyNumberOfTokensIsMeasured(tokens: Int) throws {
    let bench = try workbench(opening: "synthetic:65x47:2")
    var setting = try knobs("8x1", 0.7)
    setting.tokens = tokens
    let found = try bench.measure(
      try bench.layer("weight"), setting, plan: bench.cellPlan, isCancelled: { false })
    #expect(found.samples >= 6)
  }

  @Test func coldWeightsAreRotatedBeyondTheLastCache() throws {
    let bench = try workbench(opening: "synthetic:512x512:2")
    var setting = try knobs("32x1", 0.5)
    setting.cache = .cold
    let layer = try bench.layer("weight")
    let contest = try bench.contest(
      layer, try bench.prune("weight", setting) { _ in true }, setting, isCancelled: { false })
    let bytes = contest.dense.kernels.count * layer.bytes
    #expect(bytes > bench.machine.l3Bytes || bytes >= 448 << 20)
    #expect(Set(contest.dense.kernels.map { ObjectIdentifier($0) }).count > 1)
    #expect(contest.sparse.kernels.count > contest.dense.kernels.count / 2)
  }

  /// A kernel that is right everywhere but in one place.
  final class WrongKernel: LinearKernel {
    let right: any LinearKernel
    init(_ right: any LinearKernel) { self.right = right }
    var name: String { "wrong" }
    var rows: Int { right.rows }
    var columns: Int { right.columns }
    func multiply(_ x: Activations, into y: Activations, threads: Int) {
      right.multiply(x, into: y, threads: threads)
      y.pointer[0] += 0.01
    }
    func storage(tokens: Int, threads: Int) -> StorageReport {
      right.storage(tokens: tokens, threads: threads)
    }
  }

  @Test func aWrongResultIsAnErrorAndNeverATime() throws {
    let bench = try workbench(opening: "synthetic:40x40:1")
    let layer = try bench.layer("weight")
    let contest = try bench.contest(
      layer, try bench.prune("weight", knobs("4x1", 0.5)) { _ in true }, knobs("4x1", 0.5),
      isCancelled: { false })
    var generator = SeededGenerator(seed: 1)
    let x = generator.nearlyNormalMatrix(rows: 128, columns: 40)
    let input = Activations(features: 40, tokens: 128)
    input.load(x)
    let wrong = Contender([WrongKernel(contest.dense.kernels[0])], input: input, threads: 1)
    do {
      _ = try bench.check(
        wrong, weights: layer.weights, mask: nil, bias: nil, input: x, tensor: "weight")
      Issue.record("a wrong result passed")
    } catch {
      guard case .wrongResult(let kernel, _, let token, let output, let size) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(kernel == "wrong")
      #expect(token == 0)
      #expect(output == 0)
      #expect(abs(size - 0.01) < 1e-4)
    }
  }

  @Test func checkedTokensMeetEveryLaneAndBothEnds() {
    #expect(Workbench.checkedTokens(of: 5, atMost: 9) == [0, 1, 2, 3, 4])
    for (tokens, count) in [(128, 8), (128, 64), (33, 3), (1000, 40), (66, 60), (99, 98)] {
      let chosen = Workbench.checkedTokens(of: tokens, atMost: count)
      #expect(chosen.count == count)
      #expect(chosen.first == 0)
      #expect(chosen.last == tokens - 1)
      #expect(Set(chosen).count == count)
      #expect(chosen == chosen.sorted())
    }
    #expect(Set(Workbench.checkedTokens(of: 4096, atMost: 64).map { $0 % 32 }).count == 32)
  }

  @Test func sensitivityRisesWithSparsity() throws {
    let bench = try workbench(opening: nil)
    let curve = try bench.sensitivity(
      query, knobs("16x1", 0.5), sparsities: [0.1, 0.5, 0.9], isCancelled: { false })
    #expect(curve.proxy == "held-out output error")
    #expect(curve.errors.count == 3)
    #expect(curve.errors == curve.errors.sorted())
    let plain = try workbench(opening: "synthetic:64x64")
    let fixed = try plain.sensitivity(
      "weight", knobs("2:4"), sparsities: [0.1, 0.9], isCancelled: { false })
    #expect(fixed.sparsities == [0.5])
  }

  @Test func theCrossoverIsBetweenASlowAndAFastPoint() throws {
    let bench = try workbench(opening: "synthetic:192x192")
    let found = try bench.crossover(
      "weight", knobs("32x1", 0.8), over: .sparsity, isCancelled: { false }, between: {},
      progress: { #expect(!$0.isFinal) })
    #expect(found.isFinal)
    #expect(found.points.count >= 7)
    #expect(found.points.map(\.position) == found.points.map(\.position).sorted())
    if let at = found.at {
      #expect(at.high - at.low <= 0.0111)
      let after = found.points.filter { $0.position >= at.high }
      #expect(after.allSatisfy { Verdict(speedup: $0.speedup) == .faster })
    }
    #expect(found.sentence.contains("32x1 at 128 tokens"))
  }

  @Test func thePathGrowsDenserAsLambdaFalls() throws {
    let bench = try workbench(opening: "synthetic:64x64")
    var setting = try knobs("8x1")
    setting.amount = .lambda(0.5)
    let path = try bench.path("weight", setting, isCancelled: { false }, progress: { _ in })
    #expect(path.isFinal)
    #expect(path.points.count > 3)
    let sparsities = path.points.map(\.sparsity)
    #expect(sparsities == sparsities.sorted(by: >))
  }
}
