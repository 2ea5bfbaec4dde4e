import Tensors
import Testing

@testable import Encoder

/// Words of all code points and of random strings, as digests computed with the reference.
///
/// `Tests/tokenizer.py digests` prints the constants.
@Suite struct TokenizerDigestTests {
  static let digests: [([Bool], every: UInt64, random: UInt64)] = [
    ([true, true, true, true], 0xb9f9_9fec_f48e_555f, 0x10d7_18f0_c881_c2d9),
    ([true, true, false, false], 0x0a34_ffe1_b5f5_6214, 0xf653_fc93_a380_3239),
    ([false, false, true, false], 0x1e51_2cea_64f6_2119, 0xce05_fec5_6abd_b663),
    ([true, false, false, true], 0x65f0_328e_ec64_2a05, 0xa529_424e_5bb4_0682),
  ]

  static let pools: [(UInt32, UInt32)] = [
    (0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700),
    (0x900, 0xE80), (0x1B40, 0x1C40), (0x1E00, 0x2100), (0x3000, 0x3100), (0x4E00, 0x4E80),
    (0xAC00, 0xAD00), (0xF900, 0xFB50), (0x1D158, 0x1D1C8), (0, 0x20),
  ]

  private struct Digest {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

    mutating func add(words: [[UInt8]]) {
      for word in words {
        for byte in word { add(byte) }
        add(0xFF)
      }
      add(0xFE)
    }
  }

  private static func tokenizer(_ flags: [Bool]) throws -> WordPieceTokenizer {
    try WordPieceTokenizer(
      vocabularyText: Array("[UNK]\n[CLS]\n[SEP]\n".utf8),
      normalization: TextNormalization(
        cleansText: flags[0], separatesHan: flags[1], stripsAccents: flags[2],
        lowercases: flags[3]))
  }

  @Test(arguments: 0..<4)
  func everyCodePointIsNormalisedAndSplitAsInTheReference(_ index: Int) throws {
    let tokenizer = try Self.tokenizer(Self.digests[index].0)
    var digest = Digest()
    for code in UInt32(0)..<0x11_0000 {
      guard let scalar = Unicode.Scalar(code) else { continue }
      var text = String.UnicodeScalarView("a".unicodeScalars)
      text.append(scalar)
      text.append("b")
      digest.add(words: tokenizer.words(String(text)))
    }
    #expect(digest.value == Self.digests[index].every)
  }

  @Test(arguments: 0..<4)
  func randomStringsOfManyScriptsAreSplitAsInTheReference(_ index: Int) throws {
    let tokenizer = try Self.tokenizer(Self.digests[index].0)
    var digest = Digest()
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<50_000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<generator.next() % 16 {
        let (low, high) = Self.pools[Int(generator.next() % UInt64(Self.pools.count))]
        text.append(Unicode.Scalar(low + UInt32(generator.next() % UInt64(high - low)))!)
      }
      digest.add(words: tokenizer.words(String(text)))
    }
    #expect(digest.value == Self.digests[index].random)
  }
}
