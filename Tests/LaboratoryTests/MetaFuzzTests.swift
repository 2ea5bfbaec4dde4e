import Foundation
import Tensors
import Testing

@testable import Laboratory

/// Damaged descriptions of sweeps are read or refused in a sentence.
/// `SPARSITY_FUZZ_CASES` asks for more cases than the 1000 of the test suite.
@Suite struct MetaFuzzTests {
  @Test func damagedDescriptionsAreReadOrRefused() throws {
    let cases =
      ProcessInfo.processInfo.environment["SPARSITY_FUZZ_CASES"].flatMap { Int($0) } ?? 1000
    let scratch = try ScratchDirectory()
    let whole = Array(try ResultsFileTests.meta().text().utf8)
    let inserts = [
      "\"", "\\", "{", "}", "[", "]", ",", ":", "null", "-1", "1e999", "99999999999999999999",
      "\\ud800", "\u{0}", "é", "true", "{\"a\":", String(repeating: "[", count: 5000),
    ]
    var generator = SeededGenerator(seed: 3)
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(1, bound))) }
    var read = 0
    var reasons: Set<String> = []
    for _ in 0..<cases {
      var bytes = whole
      for _ in 0...below(3) where !bytes.isEmpty {
        let at = below(bytes.count)
        switch below(6) {
        case 0: bytes[at] ^= 1 << UInt8(below(8))
        case 1: bytes.insert(contentsOf: inserts[below(inserts.count)].utf8, at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(30)))
        case 3: bytes.removeSubrange(at...)
        case 4:
          // A number becomes another value.
          guard let digit = bytes[at...].firstIndex(where: { (48...57).contains($0) }) else {
            continue
          }
          let end = bytes[digit...].firstIndex { !(48...57).contains($0) } ?? bytes.count
          bytes.replaceSubrange(digit..<end, with: inserts[8 + below(4)].utf8)
        default:
          let from = below(bytes.count)
          bytes.insert(contentsOf: bytes[from..<min(bytes.count, from + below(60))], at: at)
        }
      }
      try scratch.write(bytes, "out.meta.json")
      do throws(ResultsFileError) {
        let meta = try ResultsMeta(contentsOf: scratch.file("out.meta.json"))
        read += 1
        _ = ResultsFileTests.meta().difference(from: meta)
      } catch {
        guard case .badMeta = error else {
          Issue.record("\(error)")
          continue
        }
        reasons.insert(error.description)
      }
    }
    #expect(read > cases / 50 && reasons.count > 10, "\(read) read, \(reasons.count) reasons")
  }
}
