import FoundationEssentials

extension WordPieceTokenizer {
  /// The tokenizer of a Hugging Face directory: `vocab.txt`, or `tokenizer.json` where it is missing.
  ///
  /// `vocab.txt` comes first because it is read in 2 ms, and `tokenizer.json` in 30; what
  /// `tokenizer_config.json` says of lower-casing and accents holds for it.
  /// - Throws: `EncoderError` with the file and what is wrong in it.
  public init(directory: String) throws(EncoderError) {
    let vocabulary = ModelDirectoryFile("vocab.txt", in: directory)
    let tokenizer = ModelDirectoryFile("tokenizer.json", in: directory)
    if vocabulary.exists {
      let configuration = ModelDirectoryFile("tokenizer_config.json", in: directory)
      let options =
        configuration.exists ? try configuration.json(TokenizerOptions.self) : TokenizerOptions()
      if let kind = options.tokenizer_class, !kind.hasPrefix("Bert"), !kind.hasPrefix("DistilBert")
      {
        throw .unsupported(path: configuration.path, reason: "the tokenizer is a \(kind)")
      }
      try self.init(
        vocabularyText: Array(vocabulary.bytes()), path: vocabulary.path,
        normalization: options.normalization)
    } else if tokenizer.exists {
      try self.init(tokenizer: tokenizer)
    } else {
      throw .unreadable(
        path: directory, reason: "there is neither a vocab.txt nor a tokenizer.json in it")
    }
  }

  /// A tokenizer from the text of a `vocab.txt`: one piece a line, the line number is the id.
  ///
  /// - Parameter path: for messages.
  public init(
    vocabularyText text: [UInt8], path: String = "vocab.txt",
    normalization: TextNormalization = TextNormalization()
  ) throws(EncoderError) {
    var lines = text.split(separator: 10, omittingEmptySubsequences: false).map { line in
      line.last == 13 ? line.dropLast() : line
    }
    if lines.last?.isEmpty == true { lines.removeLast() }
    try self.init(
      pieces: lines, path: path, normalization: normalization,
      special: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
  }

  /// - Parameter special: tokens found in raw text; `[UNK]`, `[CLS]` and `[SEP]` must exist.
  private init(
    pieces: [ArraySlice<UInt8>], path: String, normalization: TextNormalization,
    special: [String], unknownToken: String = "[UNK]"
  ) throws(EncoderError) {
    let vocabulary = Vocabulary(pieces: pieces)
    var ids: [String: Int32] = [:]
    for name in [unknownToken, "[CLS]", "[SEP]"] {
      guard let id = vocabulary.find(name) else {
        throw .unsupported(
          path: path, reason: "the piece \(name) is not among its \(pieces.count) pieces")
      }
      ids[name] = Int32(id)
    }
    let tokens = special.compactMap { name in
      vocabulary.find(name).map { SpecialToken(text: Array(name.utf8), id: Int32($0)) }
    }
    self.init(
      vocabulary: vocabulary, specialTokens: tokens, unknown: ids[unknownToken]!,
      classification: ids["[CLS]"]!, separator: ids["[SEP]"]!, normalization: normalization)
  }

  /// Reads `tokenizer.json`.
  init(tokenizer file: ModelDirectoryFile) throws(EncoderError) {
    let json = try file.json(TokenizerFile.self)
    func refuse(_ reason: String) -> EncoderError { .unsupported(path: file.path, reason: reason) }
    if json.model.type != "WordPiece" {
      throw refuse("the tokenizer model is \(json.model.type ?? "not named")")
    }
    if json.normalizer?.type != "BertNormalizer" {
      throw refuse("the normalizer is \(json.normalizer?.type ?? "missing"), not BertNormalizer")
    }
    if json.pre_tokenizer?.type != "BertPreTokenizer" {
      throw refuse(
        "the pre-tokenizer is \(json.pre_tokenizer?.type ?? "missing"), not BertPreTokenizer")
    }
    if let prefix = json.model.continuing_subword_prefix, prefix != "##" {
      throw refuse("continued pieces begin with \"\(prefix)\", not \"##\"")
    }
    if let longest = json.model.max_input_chars_per_word, longest != WordSplitter.longestWord {
      throw refuse("words may have \(longest) characters, not \(WordSplitter.longestWord)")
    }
    let count = json.model.vocab.count
    var pieces = [ArraySlice<UInt8>?](repeating: nil, count: count)
    for (piece, id) in json.model.vocab {
      guard pieces.indices.contains(id), pieces[id] == nil else {
        throw .malformed(
          path: file.path,
          reason: "piece \"\(piece)\" has the id \(id), which is taken or not "
            + "below the \(count) pieces")
      }
      pieces[id] = ArraySlice(piece.utf8)
    }
    var special: [String] = []
    for token in json.added_tokens ?? [] {
      if token.normalized == true || token.single_word == true || token.lstrip == true
        || token.rstrip == true
      {
        throw refuse("the added token \"\(token.content)\" asks for stripping or normalising")
      }
      guard json.model.vocab[token.content] == token.id, !token.content.isEmpty else {
        throw refuse("the added token \"\(token.content)\" is not in the vocabulary")
      }
      special.append(token.content)
    }
    try self.init(
      pieces: pieces.map { $0! }, path: file.path, normalization: json.normalizer!.normalization,
      special: special, unknownToken: json.model.unk_token ?? "[UNK]")
  }
}

/// What is read of `tokenizer_config.json`.
private struct TokenizerOptions: Decodable {
  var tokenizer_class: String?
  var do_lower_case: Bool?
  var tokenize_chinese_chars: Bool?
  var strip_accents: Bool?

  /// Accents go with the capitals unless it is said otherwise.
  var normalization: TextNormalization {
    let lowercases = do_lower_case ?? true
    return TextNormalization(
      separatesHan: tokenize_chinese_chars ?? true, stripsAccents: strip_accents ?? lowercases,
      lowercases: lowercases)
  }
}

/// What is read of `tokenizer.json`.
private struct TokenizerFile: Decodable {
  struct AddedToken: Decodable {
    var id: Int
    var content: String
    var single_word: Bool?
    var lstrip: Bool?
    var rstrip: Bool?
    var normalized: Bool?
  }
  struct Normalizer: Decodable {
    var type: String?
    var clean_text: Bool?
    var handle_chinese_chars: Bool?
    var strip_accents: Bool?
    var lowercase: Bool?

    var normalization: TextNormalization {
      TextNormalization(
        cleansText: clean_text ?? true, separatesHan: handle_chinese_chars ?? true,
        stripsAccents: strip_accents ?? lowercase ?? true, lowercases: lowercase ?? true)
    }
  }
  struct PreTokenizer: Decodable { var type: String? }
  struct Model: Decodable {
    var type: String?
    var unk_token: String?
    var continuing_subword_prefix: String?
    var max_input_chars_per_word: Int?
    var vocab: [String: Int]
  }
  var added_tokens: [AddedToken]?
  var normalizer: Normalizer?
  var pre_tokenizer: PreTokenizer?
  var model: Model
}
