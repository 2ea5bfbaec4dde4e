internal import Encoder
internal import Tensors

/// Texts to train on, as tokens: each once, of a length that trains well, none of them held out.
struct TrainingCorpus: Sendable {
  /// Tokens of each text, `[CLS]` and `[SEP]` included, in an order that depends on the texts alone
  /// (by hash): the first ones are a fair sample of all.
  let texts: [[Int32]]
  /// Of all texts together.
  let tokens: Int
  let counts: Counts
  /// What limits what a run on these texts can show, for a person.
  let warnings: [String]

  /// Where sentences went.
  struct Counts: Hashable, Sendable {
    var found = 0
    var heldOut = 0
    var repeated = 0
    /// Fewer or more tokens than `lengths`.
    var otherLength = 0
  }

  /// Tokens of a text: shorter ones say too little, longer ones are rare and cost a bucket each.
  static let lengths = 8...48
  /// What the closed-form refit at the start is calibrated on where there is so much; with less, a run
  /// soon repeats itself.
  static let fewTokens = 39_000

  /// - Parameters:
  ///   - sentences: repetitions are dropped.
  ///   - heldOut: sentences that are never trained on, compared without regard to case and blanks, and by
  ///     their tokens.
  ///   - source: what messages call them.
  /// - Throws: `unreadable` when nothing is left to train on.
  init(
    _ sentences: [String], heldOut: [String], encoder: BERTEncoder, source: String,
    warnings: [String] = []
  ) throws(LaboratoryError) {
    let longest = min(Self.lengths.upperBound, encoder.configuration.maxPositions)
    let hiddenTexts = Set(heldOut.map(Self.plain))
    let hiddenTokens = Set(heldOut.map { encoder.tokens($0).ids })
    var counts = Counts(found: sentences.count)
    var seen = Set<[Int32]>()
    var kept: [(hash: UInt64, ids: [Int32])] = []
    for sentence in sentences {
      if hiddenTexts.contains(Self.plain(sentence)) {
        counts.heldOut += 1
        continue
      }
      let ids = encoder.tokens(sentence).ids
      if hiddenTokens.contains(ids) {
        counts.heldOut += 1
      } else if !(Self.lengths.lowerBound...longest).contains(ids.count) {
        counts.otherLength += 1
      } else if !seen.insert(ids).inserted {
        counts.repeated += 1
      } else {
        kept.append((Self.hash(ids), ids))
      }
    }
    guard !kept.isEmpty else {
      throw .unreadable(
        "\(source): holds no sentence of \(Self.lengths.lowerBound) to \(longest) tokens to train on "
          + "(\(counts.found) found, \(counts.heldOut) of them held out); give more prose")
    }
    kept.sort { ($0.hash, $0.ids.count) < ($1.hash, $1.ids.count) }
    texts = kept.map(\.ids)
    tokens = texts.reduce(0) { $0 + $1.count }
    self.counts = counts
    var warnings = warnings
    if tokens < Self.fewTokens {
      warnings.append(
        "\(source): \(tokens) tokens to train on are few: below \(Self.fewTokens) a run sees each text "
          + "many times and generalises worse")
    }
    self.warnings = warnings
  }

  /// Case folded, blanks to single spaces.
  static func plain(_ text: String) -> String {
    text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// FNV-1a, 64 bits, stirred once more: its high bits alone would sort by the last tokens.
  private static func hash(_ ids: [Int32]) -> UInt64 {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325
    for id in ids { state = (state ^ UInt64(UInt32(bitPattern: id))) &* 0x100_0000_01b3 }
    var generator = SeededGenerator(seed: state)
    return generator.next()
  }

  /// Consecutive texts of about `blockTokens` tokens: what the teacher's results are kept by.
  var blocks: [Range<Int>] {
    var blocks: [Range<Int>] = []
    var first = 0
    var sum = 0
    for index in texts.indices {
      sum += texts[index].count
      if sum >= Self.blockTokens || index == texts.count - 1 {
        blocks.append(first..<index + 1)
        (first, sum) = (index + 1, 0)
      }
    }
    return blocks
  }

  static let blockTokens = 32_768

  /// The first texts, with at least `count` tokens where there are so many.
  func sample(tokens count: Int) -> [[Int32]] {
    var sum = 0
    let end = texts.firstIndex { text in
      sum += text.count
      return sum >= count
    }
    return Array(texts[...(end ?? texts.count - 1)])
  }
}

extension TrainingCorpus {
  /// Texts made of others where there is no corpus: the beginning of one sentence and the end of another.
  ///
  /// Cut between words at random places; the sentences themselves are among them. On sentences of the
  /// same style it trains about as well as real text (.807 against .809 of mean cosine on
  /// all-MiniLM-L6-v2), on others clearly worse (.763 against .823): hence the warning that goes with it.
  static func splices(
    of sentences: [String], count: Int = 6000, seed: UInt64
  ) -> [String] {
    let words = sentences.map { $0.split(separator: " ") }.filter { !$0.isEmpty }
    guard !words.isEmpty else { return [] }
    var generator = SeededGenerator(seed: seed)
    func random(_ count: Int) -> Int { Int(generator.uniform() * Double(count)) }
    return sentences
      + (0..<count).map { _ in
        let first = words[random(words.count)]
        let second = words[random(words.count)]
        let head = first.prefix(1 + random(first.count))
        let tail = second.suffix(1 + random(second.count))
        return (head + tail).joined(separator: " ")
      }
  }

  static let splicesWarning =
    "no text was given: training on random splices of the calibration sentences, which are written in "
    + "the style of the held-out ones; expect about .06 less mean cosine on other text, and give --text"
}
