internal import Tensors

/// Which texts each step trains on: texts of one length together, so that nothing is padding.
///
/// Every epoch the texts of each length are shuffled and cut into batches, and all batches are shuffled.
/// A step's texts follow from the seed and the step's number alone, so a resumed run needs no more than
/// those. What does not fill a batch waits for another epoch, unless a length never fills one.
struct TrainingBatches: Sendable {
  /// Texts of each length, by growing length.
  private let buckets: [(length: Int, texts: [Int])]
  private let tokensPerStep: Int
  private let seed: UInt64
  let stepsPerEpoch: Int
  private var epoch: (number: Int, batches: [[Int]])?

  /// - Parameter lengths: tokens of each text.
  /// - Precondition: there are texts, each with at least one token.
  init(lengths: [Int], tokensPerStep: Int, seed: UInt64) {
    precondition(!lengths.isEmpty && lengths.allSatisfy { $0 > 0 })
    let byLength = Dictionary(grouping: lengths.indices) { lengths[$0] }
    buckets = byLength.keys.sorted().map { ($0, byLength[$0]!) }
    self.tokensPerStep = tokensPerStep
    self.seed = seed
    stepsPerEpoch = buckets.reduce(0) { sum, bucket in
      sum + max(1, bucket.texts.count / max(1, tokensPerStep / bucket.length))
    }
  }

  /// The texts of a step, counted from 0.
  mutating func texts(step: Int) -> [Int] {
    let number = step / stepsPerEpoch
    if epoch?.number != number { epoch = (number, batches(epoch: number)) }
    return epoch!.batches[step % stepsPerEpoch]
  }

  private func batches(epoch: Int) -> [[Int]] {
    var seeds = SeededGenerator(seed: seed)
    var generator = SeededGenerator(seed: seeds.next() &+ UInt64(epoch) &* 0xD1B5_4A32_D192_ED03)
    var batches: [[Int]] = []
    for bucket in buckets {
      let size = max(1, tokensPerStep / bucket.length)
      let texts = bucket.texts.shuffled(using: &generator)
      if texts.count < size {
        batches.append(texts)
      } else {
        for start in stride(from: 0, through: texts.count - size, by: size) {
          batches.append(Array(texts[start..<start + size]))
        }
      }
    }
    return batches.shuffled(using: &generator)
  }
}
