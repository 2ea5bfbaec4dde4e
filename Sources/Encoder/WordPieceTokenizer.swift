/// Cuts text into the word pieces of a BERT vocabulary.
///
/// The ids are those of the `tokenizers` package for the same vocabulary: `[CLS]`, the pieces,
/// `[SEP]`; special tokens that stand in the text are taken as such. Greedy longest match from the
/// left in each word; a word of more than 100 characters, or with a part that has no piece, is
/// `[UNK]` (Devlin et al. 2019; Wu et al. 2016, section 4.1).
public struct WordPieceTokenizer: Sendable {
  /// A token that is found in the raw text, before anything is normalised.
  struct SpecialToken: Hashable, Sendable {
    var text: [UInt8]
    var id: Int32
  }

  public let normalization: TextNormalization
  let vocabulary: Vocabulary
  /// Longest first, so that the first that fits is the one.
  let specialTokens: [SpecialToken]
  let unknown: Int32
  let classification: Int32
  let separator: Int32
  private let mayStartSpecial: [Bool]
  private let asciiActions: [UInt16]

  /// Number of pieces in the vocabulary.
  public var vocabularyCount: Int { vocabulary.count }

  init(
    vocabulary: Vocabulary, specialTokens: [SpecialToken], unknown: Int32, classification: Int32,
    separator: Int32, normalization: TextNormalization
  ) {
    self.vocabulary = vocabulary
    self.specialTokens = specialTokens.sorted { $0.text.count > $1.text.count }
    self.unknown = unknown
    self.classification = classification
    self.separator = separator
    self.normalization = normalization
    var first = [Bool](repeating: false, count: 256)
    for token in specialTokens { first[Int(token.text[0])] = true }
    mayStartSpecial = first
    asciiActions = WordSplitter.asciiActions(normalization)
  }

  /// The ids of a text, cut to `limit` with `[CLS]` and `[SEP]` kept.
  ///
  /// Bytes that are not UTF-8 stand for U+FFFD, which cleaning drops.
  /// - Parameter limit: at least 2.
  /// - Complexity: O(bytes · longest piece) at worst, about 30 ns a word of English.
  public func encode(_ text: String, limit: Int = 512) -> TokenizedText {
    var text = text
    return text.withUTF8 { encode(valid: $0, limit: limit) }
  }

  /// The same for bytes that may not be UTF-8.
  public func encode(utf8 bytes: [UInt8], limit: Int = 512) -> TokenizedText {
    encode(String(decoding: bytes, as: UTF8.self), limit: limit)
  }

  private func encode(valid text: UnsafeBufferPointer<UInt8>, limit: Int) -> TokenizedText {
    precondition(limit >= 2, "limit \(limit): [CLS] and [SEP] need 2")
    var pieces = PieceCollector(tokenizer: self, limit: limit)
    var splitter = WordSplitter(normalization, asciiActions: asciiActions)
    var start = 0
    var index = 0
    while index < text.count {
      if mayStartSpecial[Int(text[index])], let token = special(text, at: index) {
        splitter.split(UnsafeBufferPointer(rebasing: text[start..<index])) { pieces.add($0, $1) }
        pieces.add(token.id)
        index += token.text.count
        start = index
      } else {
        index += 1
      }
    }
    splitter.split(UnsafeBufferPointer(rebasing: text[start...])) { pieces.add($0, $1) }
    return pieces.finish()
  }

  private func special(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> SpecialToken? {
    specialTokens.first { token in
      index + token.text.count <= text.count
        && token.text.indices.allSatisfy { text[index + $0] == token.text[$0] }
    }
  }

  /// The words of a text after normalisation, before they are cut into pieces.
  func words(_ text: String) -> [[UInt8]] {
    var text = text
    var splitter = WordSplitter(normalization, asciiActions: asciiActions)
    var words: [[UInt8]] = []
    text.withUTF8 { utf8 in splitter.split(utf8) { word, _ in words.append(Array(word)) } }
    return words
  }
}

/// The ids of one text.
public struct TokenizedText: Hashable, Sendable {
  public var ids: [Int32]
  /// How many ids there were before the limit cut them, `[CLS]` and `[SEP]` included.
  public var fullCount: Int

  public init(ids: [Int32], fullCount: Int) {
    self.ids = ids
    self.fullCount = fullCount
  }

  public var isTruncated: Bool { fullCount > ids.count }
}

/// Matches words against the vocabulary and keeps the first `limit - 2` ids.
private struct PieceCollector {
  private let tokenizer: WordPieceTokenizer
  private let limit: Int
  private var ids: [Int32]
  private var count = 1
  /// Hashes of the prefixes of what is left of a word.
  private var hashes: [UInt64] = []
  private var found: [Int32] = []

  init(tokenizer: WordPieceTokenizer, limit: Int) {
    self.tokenizer = tokenizer
    self.limit = limit
    ids = [tokenizer.classification]
    ids.reserveCapacity(64)
  }

  mutating func add(_ id: Int32) {
    count += 1
    if ids.count < limit - 1 { ids.append(id) }
  }

  mutating func add(_ word: UnsafeBufferPointer<UInt8>, _ characters: Int) {
    if characters > WordSplitter.longestWord { return add(tokenizer.unknown) }
    found.removeAll(keepingCapacity: true)
    var start = 0
    while start < word.count {
      guard let (id, length) = longestPiece(word, from: start) else {
        return add(tokenizer.unknown)
      }
      found.append(id)
      start += length
    }
    for id in found { add(id) }
  }

  private mutating func longestPiece(
    _ word: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> (Int32, Int)? {
    let vocabulary = tokenizer.vocabulary
    let continues = start > 0
    let end = min(word.count, start + vocabulary.longest)
    hashes.removeAll(keepingCapacity: true)
    var hash = continues ? Vocabulary.continuationSeed : Vocabulary.wordSeed
    for index in start..<end {
      hash = Vocabulary.extend(hash, word[index])
      hashes.append(hash)
    }
    for length in stride(from: end - start, to: 0, by: -1) {
      let text = UnsafeBufferPointer(rebasing: word[start..<start + length])
      if let id = vocabulary.find(hashes[length - 1], text, continues: continues) {
        return (Int32(id), length)
      }
    }
    return nil
  }

  consuming func finish() -> TokenizedText {
    ids.append(tokenizer.separator)
    return TokenizedText(ids: ids, fullCount: count + 1)
  }
}
