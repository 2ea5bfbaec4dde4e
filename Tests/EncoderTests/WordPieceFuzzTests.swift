import Foundation
import Tensors
import Testing

@testable import Encoder

/// Any bytes are tokenized, and damaged vocabularies are read or refused in a sentence.
/// `SPARSITY_FUZZ_CASES` asks for more cases than the 1000 of the test suite.
@Suite struct WordPieceFuzzTests {
  static let cases =
    ProcessInfo.processInfo.environment["SPARSITY_FUZZ_CASES"].flatMap { Int($0) } ?? 1000

  @Test func anyBytesAreTokenizedWithinTheLimit() throws {
    let tokenizer = try WordPieceTokenizer(
      vocabularyText: Array(WordPieceTests.pieces.joined(separator: "\n").utf8))
    let count = Int32(WordPieceTests.pieces.count)
    let inserts = [
      "unaffable", "Café", "東京", "[MASK]", "[CLS", "e\u{301}\u{301}", "\u{200d}", "\u{fffd}",
      "\u{0}", "\r\n", String(repeating: "a", count: 150), "ﬁ", "İ", "\u{1f600}", "!!",
    ]
    var generator = SeededGenerator(seed: 5)
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(1, bound))) }
    for _ in 0..<Self.cases {
      var bytes: [UInt8] = []
      for _ in 0..<below(12) {
        switch below(4) {
        case 0: bytes.append(UInt8(below(256)))
        case 1: bytes += Array(" ".utf8)
        default: bytes += Array(inserts[below(inserts.count)].utf8)
        }
      }
      if !bytes.isEmpty, below(2) == 0 { bytes[below(bytes.count)] ^= 1 << UInt8(below(8)) }
      let limit = 2 + below(30)
      let tokens = tokenizer.encode(utf8: bytes, limit: limit)
      #expect(tokens.ids.count >= 2 && tokens.ids.count <= limit, "\(bytes)")
      #expect(tokens.ids.allSatisfy { (0..<count).contains($0) }, "\(bytes)")
      #expect(tokens.ids.first == 2 && tokens.ids.last == 3, "\(bytes)")
    }
  }

  @Test func damagedTokenizerFilesAreReadOrRefused() throws {
    let vocabulary = WordPieceTests.pieces.enumerated().map { "\"\($0.element)\":\($0.offset)" }
    let json = Array(
      """
      {"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,\
      "strip_accents":null,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},\
      "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",\
      "max_input_chars_per_word":100,"vocab":{\(vocabulary.joined(separator: ","))}}}
      """.utf8)
    let text = Array(WordPieceTests.pieces.joined(separator: "\n").utf8)
    let inserts = ["\"", "{", "}", ",", "-1", "99999999999", "1.5", "null", "\n", "##", "\u{0}"]
    var generator = SeededGenerator(seed: 6)
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(1, bound))) }
    var read = 0
    var reasons: Set<String> = []
    let directory = try TemporaryDirectory()
    let file = URL(filePath: directory.path + "/tokenizer.json")
    for number in 0..<Self.cases {
      let isJSON = number % 2 == 0
      var bytes = isJSON ? json : text
      for _ in 0...below(2) where !bytes.isEmpty {
        let at = below(bytes.count)
        switch below(5) {
        case 0: bytes[at] ^= 1 << UInt8(below(8))
        case 1: bytes.insert(contentsOf: inserts[below(inserts.count)].utf8, at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(12)))
        case 3: if below(4) == 0 { bytes.removeSubrange(at...) }
        default:
          guard let digit = bytes[at...].firstIndex(where: { (48...57).contains($0) }) else {
            continue
          }
          bytes.replaceSubrange(digit...digit, with: inserts[4 + below(4)].utf8)
        }
      }
      if isJSON { try Data(bytes).write(to: file) }
      do throws(EncoderError) {
        let tokenizer =
          isJSON
          ? try WordPieceTokenizer(directory: directory.path)
          : try WordPieceTokenizer(vocabularyText: bytes)
        read += 1
        _ = tokenizer.encode("unaffable Café 東京 [MASK]")
      } catch {
        let sentence = String(describing: error)
        #expect(!sentence.isEmpty)
        reasons.insert(sentence)
      }
    }
    #expect(read > Self.cases / 20 && reasons.count > 5, "\(read) read, \(reasons.count) reasons")
  }
}
