import Foundation
import Tensors
import Testing

@testable import Encoder

/// A damaged `config.json` is read with sizes that are in range, or refused in a sentence.
/// `SPARSITY_FUZZ_CASES` asks for more cases than the 1000 of the test suite.
@Suite struct ConfigurationFuzzTests {
  @Test func damagedConfigurationsAreReadOrRefused() throws {
    let model = try TinyModel(layers: 1)
    try model.write()
    let path = model.directory.path + "/config.json"
    let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let inserts = [
      "\"", "{", "}", "[", ",", ":", "-1", "0", "1e30", "99999999999999999999", "null", "true",
      "\"hidden_size\":", "\u{0}", "\\ud800",
    ]
    var generator = SeededGenerator(seed: 9)
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(1, bound))) }
    var read = 0
    var reasons: Set<String> = []
    for _ in 0..<WordPieceFuzzTests.cases {
      var bytes = whole
      for _ in 0...below(2) where !bytes.isEmpty {
        let at = below(bytes.count)
        switch below(4) {
        case 0: bytes[at] ^= 1 << UInt8(below(8))
        case 1: bytes.insert(contentsOf: inserts[below(inserts.count)].utf8, at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(12)))
        default:
          guard let digit = bytes[at...].firstIndex(where: { (48...57).contains($0) }) else {
            continue
          }
          bytes.replaceSubrange(digit...digit, with: inserts[6 + below(5)].utf8)
        }
      }
      try Data(bytes).write(to: URL(filePath: path))
      do throws(EncoderError) {
        let configuration = try EncoderConfiguration(directory: model.directory.path)
        read += 1
        #expect((1...128).contains(configuration.layers))
        #expect((128...1024).contains(configuration.hidden))
      } catch {
        let sentence = String(describing: error)
        #expect(!sentence.isEmpty)
        reasons.insert(sentence)
      }
    }
    #expect(read > 0 && reasons.count > 5, "\(read) read, \(reasons.count) reasons")
  }
}
