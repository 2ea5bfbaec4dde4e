internal import Encoder
internal import Experiments
internal import Kernels
internal import Pruning
internal import Tensors

/// One linear layer of an encoder, with what is known of its input.
struct ModelLayer: Sendable {
  let layer: EncoderLinearLayer
  let weights: Matrix
  /// The checkpoint's, or a trained one.
  var bias: [Float]
  let statistics: CalibrationStatistics
  let pruner: LayerPruner

  init(
    _ layer: EncoderLinearLayer, of encoder: BERTEncoder, statistics: CalibrationStatistics
  ) throws(LaboratoryError) {
    self.layer = layer
    self.statistics = statistics
    do throws(EncoderError) {
      weights = try encoder.weights(of: layer)
      bias = try encoder.bias(of: layer)
    } catch { throw .unreadable(error.description) }
    do {
      pruner = try LayerPruner(weights, named: layer.name, statistics: statistics)
    } catch { throw .pruning(error) }
  }

  /// The layer pruned, refitted where the knobs say so.
  func pruned(
    _ knobs: Knobs, isCancelled: () -> Bool
  ) throws(LaboratoryError) -> PrunedLayer {
    do throws(PruningError) {
      return try refitted(
        try pruner.prune(knobs.pruningPart) { _ in !isCancelled() }, knobs)
    } catch { throw .pruning(error) }
  }

  func refitted(_ pruned: PrunedLayer, _ knobs: Knobs) throws(PruningError) -> PrunedLayer {
    knobs.refit ? try refit(pruned, original: weights, statistics: statistics) : pruned
  }

  /// The kernel of a pruned layer, checked against the reference of its own mask.
  ///
  /// - Throws: `wrongResult` when an output lies outside its bound.
  func packed(_ pruned: PrunedLayer, _ knobs: Knobs) throws(LaboratoryError) -> PackedLayer {
    let kernel: any LinearKernel
    do {
      kernel = try packSparse(
        weights: pruned.weights, mask: pruned.mask, pattern: knobs.pattern,
        order: LayerOrder(rows: pruned.rowOrder, columns: pruned.columnOrder), bias: bias,
        tokens: BERTEncoder.tokensPerGroup, dtype: knobs.dtype)
    } catch { throw .kernel(error) }
    return PackedLayer(
      choice: LayerChoice(tensor: layer.name, knobs: knobs), summary: pruned.summary,
      kernel: kernel, maxAbsError: try check(kernel, pruned, knobs))
  }

  /// The layer with nothing left but its bias.
  static func zeroed(
    _ layer: EncoderLinearLayer, bias: [Float], _ choice: LayerChoice
  ) throws(LaboratoryError) -> PackedLayer {
    let empty = Mask(rows: layer.rows, columns: layer.columns)
    do {
      let kernel = try packSparse(
        weights: Matrix(rows: layer.rows, columns: layer.columns), mask: empty,
        pattern: .block(1, 1), bias: bias, tokens: BERTEncoder.tokensPerGroup)
      let summary = PruningSummary(
        tensor: layer.name, rows: layer.rows, columns: layer.columns, criterion: .magnitude,
        nonzeros: 0, requestedSparsity: 1, keptL1: 0, keptEnergy: 0, weightError: 1,
        units: layer.rows * layer.columns, unitsKept: 0, randomKeptEnergy: 0)
      return PackedLayer(choice: choice, summary: summary, kernel: kernel, maxAbsError: 0)
    } catch { throw .kernel(error) }
  }

  /// One group of tokens of seeded noise; first, last and two between are compared.
  private func check(
    _ kernel: any LinearKernel, _ pruned: PrunedLayer, _ knobs: Knobs
  ) throws(LaboratoryError) -> Double {
    let tokens = BERTEncoder.tokensPerGroup
    var generator = SeededGenerator(seed: 0x6d6f64656c)
    let input = generator.nearlyNormalMatrix(rows: tokens, columns: layer.columns)
    let x = Activations(features: layer.columns, tokens: tokens)
    let y = Activations(features: layer.rows, tokens: tokens)
    x.load(input)
    y.pointer.update(repeating: .nan, count: y.count)
    kernel.multiply(x, into: y, threads: 1)
    let positions = [0, tokens / 3, tokens / 2 + 1, tokens - 1]
    func rows(_ matrix: Matrix) -> Matrix {
      Matrix(
        rows: positions.count, columns: matrix.columns,
        values: positions.flatMap {
          matrix.values[$0 * matrix.columns..<($0 + 1) * matrix.columns]
        })
    }
    let some = rows(input)
    let stored = knobs.dtype == .bf16 ? pruned.weights.roundedToBF16 : pruned.weights
    let agreement = Agreement(
      of: rows(y.matrix()),
      with: referenceProduct(weights: stored, mask: pruned.mask, bias: bias, x: some),
      within: tolerance(weights: stored, mask: pruned.mask, bias: bias, x: some))
    if let wrong = agreement.firstWrong {
      throw .wrongResult(
        kernel: kernel.name, tensor: layer.name, token: positions[wrong.token],
        output: wrong.output, error: agreement.maxAbsError)
    }
    return agreement.maxAbsError
  }

  /// `√(tr(ΔHΔᵀ)/tr(WHWᵀ))` on the sentences that are set apart for choosing.
  func outputError(of other: Matrix) -> Double {
    guard let moment = statistics.evaluationGram else { return .nan }
    var difference = weights
    for index in difference.values.indices { difference.values[index] -= other.values[index] }
    let energy = Self.energy(weights, moment)
    return energy > 0 ? (Self.energy(difference, moment) / energy).squareRoot() : .nan
  }

  /// `tr(A H Aᵀ)`.
  private static func energy(_ matrix: Matrix, _ moment: Matrix) -> Double {
    let image = Product.multiply(matrix, moment)
    var sum = 0.0
    for index in image.values.indices {
      sum += Double(image.values[index]) * Double(matrix.values[index])
    }
    return max(0, sum)
  }
}

/// A pruned layer as the encoder runs it.
struct PackedLayer: Sendable {
  var choice: LayerChoice
  var summary: PruningSummary
  var kernel: any LinearKernel
  var maxAbsError: Double
}
