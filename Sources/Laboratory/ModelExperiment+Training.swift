internal import Encoder
internal import Experiments
internal import Kernels
internal import Pruning
internal import Tensors

extension ModelExperiment {
  /// Layers with what the unpruned model feeds them on training texts, a piece of the texts at a time:
  /// only second moments are kept.
  ///
  /// - Parameters:
  ///   - ids: tokens of each text.
  ///   - identity: names the texts.
  /// - Complexity: a pass over the texts, and `inputs²` FLOP a token and layer input.
  func prepare(
    _ layers: [EncoderLinearLayer], on ids: [[Int32]], identity: String, threads: Int,
    _ isCancelled: () -> Bool, _ progress: (String) -> Void
  ) throws(LaboratoryError) -> [ModelLayer] {
    let inputs = Set(layers.map(\.input))
    var sums: [String: Matrix] = [:]
    var tokens = 0
    var first = 0
    while first < ids.count {
      if isCancelled() { throw .cancelled }
      let end = min(ids.count, first + 128)
      progress("calibrating on text \(first + 1) of \(ids.count)")
      let piece = Array(ids[first..<end])
      for (input, rows) in encoder.activations(ofTokens: piece, inputs: inputs) {
        let moment = Product.gram(rows, threads: threads)
        guard var sum = sums.removeValue(forKey: input) else {
          sums[input] = moment
          continue
        }
        for index in sum.values.indices { sum.values[index] += moment.values[index] }
        sums[input] = sum
      }
      tokens += piece.reduce(0) { $0 + $1.count }
      first = end
    }
    let apart = encoder.activations(of: choosing.texts, inputs: inputs)
    var statistics: [String: CalibrationStatistics] = [:]
    for input in inputs.sorted() {
      guard var moment = sums.removeValue(forKey: input), let others = apart[input] else {
        throw .unreadable("the encoder captured no activations of \(input)")
      }
      let share = 1 / Float(max(1, tokens))
      for index in moment.values.indices { moment.values[index] *= share }
      do {
        statistics[input] = try CalibrationStatistics(
          gram: moment, rows: tokens, evaluationGram: others.secondMoment,
          evaluationRows: others.rows, identity: identity)
      } catch { throw .pruning(error) }
    }
    var result: [ModelLayer] = []
    for layer in layers {
      result.append(try ModelLayer(layer, of: encoder, statistics: statistics[layer.input]!))
    }
    return result
  }
}
