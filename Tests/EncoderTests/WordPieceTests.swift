import Foundation
import Testing

@testable import Encoder

@Suite struct WordPieceTests {
  static let pieces = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff", "##able", "##ab", "##le", "able",
    "!", "caf", "##e", "東", "##x", "a",
  ]

  private func tokenizer(_ normalization: TextNormalization = TextNormalization()) throws
    -> WordPieceTokenizer
  {
    try WordPieceTokenizer(
      vocabularyText: Array(Self.pieces.joined(separator: "\n").utf8),
      normalization: normalization)
  }

  private func names(_ text: String, _ normalization: TextNormalization = TextNormalization())
    throws -> [String]
  {
    try tokenizer(normalization).encode(text).ids.map { Self.pieces[Int($0)] }
  }

  @Test func longestPieceWinsFromTheLeft() throws {
    #expect(try names("unaffable") == ["[CLS]", "un", "##aff", "##able", "[SEP]"])
    #expect(try names("unable") == ["[CLS]", "un", "##able", "[SEP]"])
    #expect(try names("Able!") == ["[CLS]", "able", "!", "[SEP]"])
  }

  @Test func wordWithoutAPieceIsUnknownAsAWhole() throws {
    #expect(try names("unq") == ["[CLS]", "[UNK]", "[SEP]"])
    #expect(try names("able q able") == ["[CLS]", "able", "[UNK]", "able", "[SEP]"])
  }

  @Test func accentsCapitalsAndHanFollowTheNormalization() throws {
    #expect(try names("CAFÉ") == ["[CLS]", "caf", "##e", "[SEP]"])
    #expect(try names("a東a") == ["[CLS]", "a", "東", "a", "[SEP]"])
    let cased = TextNormalization(separatesHan: false, stripsAccents: false, lowercases: false)
    #expect(try names("CAFÉ", cased) == ["[CLS]", "[UNK]", "[SEP]"])
    #expect(try names("a東", cased) == ["[CLS]", "[UNK]", "[SEP]"])
  }

  @Test func specialTokensInTheTextAreTakenAsSuch() throws {
    #expect(try names("a[MASK]a") == ["[CLS]", "a", "[MASK]", "a", "[SEP]"])
    #expect(try names("[mask]") == ["[CLS]", "[UNK]", "[UNK]", "[UNK]", "[SEP]"])
    #expect(try names("[SEP][SEP]") == ["[CLS]", "[SEP]", "[SEP]", "[SEP]"])
  }

  @Test func emptyAndBlankTextsAreTwoTokens() throws {
    for text in ["", " \t\n", "\u{200B}\u{0}", "\u{301}"] {
      #expect(try tokenizer().encode(text).ids == [2, 3])
    }
  }

  @Test(arguments: [2, 3, 7, 512])
  func longTextsAreCutAndSaySo(_ limit: Int) throws {
    let text = String(repeating: "unable ", count: 15_000)
    let result = try tokenizer().encode(text, limit: limit)
    #expect(result.ids.count == limit)
    #expect(result.ids.last == 3)
    #expect(result.fullCount == 30_002)
    #expect(result.isTruncated)
    #expect(try !tokenizer().encode("able", limit: 3).isTruncated)
  }

  @Test func wordOfMoreThanAHundredCharactersIsUnknown() throws {
    #expect(try names("a" + String(repeating: "x", count: 99)).count == 102)
    #expect(try names("a" + String(repeating: "x", count: 100)) == ["[CLS]", "[UNK]", "[SEP]"])
    #expect(try names(String(repeating: "x", count: 100_000)) == ["[CLS]", "[UNK]", "[SEP]"])
  }

  @Test func invalidUTF8IsReplacedAndCleanedAway() throws {
    let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0x20, 0xE6, 0x9D, 0x21]
    #expect(try tokenizer().encode(utf8: bytes).ids == tokenizer().encode("a !").ids)
  }

  @Test func vocabularyWithoutItsMarkersIsRefused() throws {
    #expect {
      try WordPieceTokenizer(vocabularyText: Array("[UNK]\n[CLS]\nx".utf8), path: "v.txt")
    } throws: {
      "\($0)"
        == "v.txt: the piece [SEP] is not among its 3 pieces; only BERT encoders with a WordPiece "
        + "vocabulary can be run"
    }
  }

  @Test func tokenizerJSONGivesTheSameIdsAsVocabularyText() throws {
    let directory = try TemporaryDirectory()
    let vocabulary = Self.pieces.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
    func json(model: String = "WordPiece", normalizer: String = "BertNormalizer") -> String {
      """
      {"added_tokens":[{"id":4,"content":"[MASK]","normalized":false}],
       "normalizer":{"type":"\(normalizer)","lowercase":true,"strip_accents":null},
       "pre_tokenizer":{"type":"BertPreTokenizer"},
       "model":{"type":"\(model)","unk_token":"[UNK]","vocab":{\(vocabulary)}}}
      """
    }
    try directory.write("tokenizer.json", json())
    let read = try WordPieceTokenizer(directory: directory.path)
    for text in ["CAFÉ unaffable!", "a[MASK]東 q", ""] {
      #expect(try read.encode(text) == tokenizer().encode(text))
    }
    try directory.write("tokenizer.json", json(model: "BPE"))
    #expect(throws: EncoderError.self) { try WordPieceTokenizer(directory: directory.path) }
    try directory.write("tokenizer.json", json(normalizer: "NFC"))
    #expect(throws: EncoderError.self) { try WordPieceTokenizer(directory: directory.path) }
    try directory.write("tokenizer.json", "{\"model\":")
    #expect {
      try WordPieceTokenizer(directory: directory.path)
    } throws: {
      "\($0)".hasSuffix("tokenizer.json: is not valid JSON; download it again")
    }
  }

  @Test func vocabularyTextHeedsTheTokenizersOptions() throws {
    let directory = try TemporaryDirectory()
    try directory.write("vocab.txt", Self.pieces.joined(separator: "\r\n") + "\r\n")
    #expect(
      try WordPieceTokenizer(directory: directory.path).normalization == TextNormalization())
    try directory.write("tokenizer_config.json", "{\"do_lower_case\":false}")
    let cased = try WordPieceTokenizer(directory: directory.path)
    #expect(cased.normalization == TextNormalization(stripsAccents: false, lowercases: false))
    #expect(cased.vocabularyCount == Self.pieces.count)
    try directory.write("tokenizer_config.json", "{\"tokenizer_class\":\"RobertaTokenizer\"}")
    #expect(throws: EncoderError.self) { try WordPieceTokenizer(directory: directory.path) }
  }

  @Test func directoryWithoutAVocabularyIsRefused() throws {
    let directory = try TemporaryDirectory()
    #expect {
      try WordPieceTokenizer(directory: directory.path)
    } throws: {
      "\($0)".contains("neither a vocab.txt nor a tokenizer.json")
    }
  }
}
