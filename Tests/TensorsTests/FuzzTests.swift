import Foundation
import Testing

@testable import Tensors

/// Damaged files of every kind are opened and read in a process of their own, which must neither
/// crash, nor spend a second on one, nor allocate more than 64 MB and twice the file.
///
/// `SPARSITY_FUZZ_CASES` sets how many; 1000 unless given.
@Suite struct FuzzTests {
  @Test func damagedSafetensorsAreReadOrRefused() async {
    await #expect(processExitsWith: .success) {
      let samples = [
        safetensors(
          """
          {"__metadata__":{"format":"pt","k\\u0061":"v"},\
          "layer.2.w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
          "layer.10.w":{"dtype":"F16","shape":[4],"data_offsets":[24,32]},\
          "b":{"dtype":"BF16","shape":[1,2],"data_offsets":[32,36]},\
          "ids":{"dtype":"I64","shape":[1],"data_offsets":[36,44],"x":[1,{"y":null}]}} 
          """, [UInt8](repeating: 0x3C, count: 44)),
        safetensors("{}"),
      ]
      try Fuzzer(seed: 1).run(samples, name: "a.safetensors", kinds: 12) { Fuzzer.relength($0, 8) }
    }
  }

  @Test func damagedIndexesAreReadOrRefused() async {
    await #expect(processExitsWith: .success) {
      let fuzzer = try Fuzzer(seed: 2)
      let shard = #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
      _ = try fuzzer.directory.file("s.safetensors", safetensors(shard, [1]))
      let samples = [
        #"{"metadata":{"total_size":1},"weight_map":{"a":"s.safetensors"}}"#,
        #"{"weight_map":{},"metadata":{"x":[1.5e3,true,"\n"]}}"#,
      ]
      try fuzzer.run(samples.map { Array($0.utf8) }, name: "m.index.json", kinds: 6) { $0 }
    }
  }

  @Test func damagedArraysAreReadOrRefused() async {
    await #expect(processExitsWith: .success) {
      let samples = [
        npy(
          "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
          bytes([1, 2, 3, 4, 5, 6])),
        npy("{'descr': '<f2', 'fortran_order': True, 'shape': (3, 1), }", [0, 60, 0, 60, 0, 60]),
        npy(
          "{'descr': [('a]', '<f4'), ('b', '<i8', (2,))], 'fortran_order': False, 'shape': ()}", []),
      ]
      try Fuzzer(seed: 3).run(samples, name: "a.npy", kinds: 8) { Fuzzer.relength($0, 10) }
    }
  }

  @Test func damagedArchivesAreReadOrRefused() async {
    await #expect(processExitsWith: .success) {
      let fuzzer = try Fuzzer(seed: 4)
      let path = fuzzer.directory.path + "/sample.npz"
      var mask = Mask(rows: 4, columns: 6)
      mask[1, 2] = true
      try SparseArchive.writeCSR(gaussian(4, 6, seed: 1), kept: mask, to: path)
      var writer = try ZIPWriter(fuzzer.directory.path + "/plain.npz", force: false)
      try writer.add("w.npy", NumPyArray(gaussian(4, 6, seed: 1)))
      try writer.finish()
      let samples = [try contents(path), try contents(fuzzer.directory.path + "/plain.npz")]
      try fuzzer.run(samples, name: "a.npz", kinds: 8) { $0 }
    }
  }

  @Test func theLimitsOfTheFuzzingProcessAreReal() async {
    // Otherwise the tests above could not fail.
    await #expect(processExitsWith: .success) {
      try Fuzzer.limitMemory(to: 64 << 20)
      let block = malloc(80 << 20)
      try #require(block == nil)
    }
    await #expect(processExitsWith: .signal(SIGPROF)) {
      Fuzzer.limitTime()
      var generator = SeededGenerator(seed: 1)
      while generator.next() != 0 {}
    }
  }

  @Test func aWriteThatFailsLeavesNothingBehind() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      try #require(setrlimit(__rlimit_resource_t(1), &limit) == 0)  // RLIMIT_FSIZE
      do throws(TensorFileError) {
        try NumPyWriter.write(gaussian(200, 200, seed: 1), to: directory.path + "/m.npy")
        exit(1)
      } catch {
        try #require(error.problem == .cannotWrite(code: EFBIG))
      }
      try #require(try directory.names.isEmpty)
    }
  }
}

/// Makes damaged files from good ones and opens them.
final class Fuzzer {
  let directory: TemporaryDirectory
  private var generator: SeededGenerator

  init(seed: UInt64) throws {
    directory = try TemporaryDirectory()
    generator = SeededGenerator(seed: seed)
  }

  /// Allocations of this process beyond what it has now fail above `bytes` (Linux counts private
  /// writable memory against RLIMIT_DATA).
  static func limitMemory(to bytes: Int) throws {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmData:") })
    let now = try #require(Int(line.split(whereSeparator: { " \t".contains($0) })[1])) << 10
    var limit = rlimit(rlim_cur: UInt(now + bytes), rlim_max: UInt(now + bytes))
    try #require(setrlimit(__rlimit_resource_t(2), &limit) == 0)  // RLIMIT_DATA
  }

  /// SIGPROF, which ends the process, after one second of processor time from now.
  static func limitTime() {
    var timer = itimerval()
    timer.it_value.tv_sec = 1
    setitimer(__itimer_which_t(2), &timer, nil)  // ITIMER_PROF
  }

  /// Corrects the length field so that a changed header is read as far as it is sound.
  static func relength(_ bytes: [UInt8], _ prefix: Int) -> [UInt8] {
    guard let end = bytes.lastIndex(of: UInt8(ascii: "}")), end >= prefix else { return bytes }
    let length = end + 1 - prefix
    return prefix == 8
      ? littleEndian(UInt64(length)) + bytes[8...]
      : Array(bytes[..<8]) + littleEndian(UInt16(truncatingIfNeeded: length)) + bytes[10...]
  }

  /// Opens damaged copies of `samples`; at least `kinds` different problems must have come up and
  /// some files must have opened, or the damage never got past the first check.
  func run(
    _ samples: [[UInt8]], name: String, kinds: Int, repair: ([UInt8]) -> [UInt8]
  ) throws {
    let given = ProcessInfo.processInfo.environment["SPARSITY_FUZZ_CASES"].flatMap { Int($0) }
    let cases = given ?? 1000
    var problems: Set<String> = []
    var opened = 0
    try Self.limitMemory(to: 64 << 20 + 2 * 4096)
    for _ in 0..<cases {
      var bytes = samples[pick(samples.count)]
      for _ in 0...pick(3) { damage(&bytes, with: samples) }
      if pick(2) == 0 { bytes = repair(bytes) }
      let path = try directory.file(name, bytes)
      Self.limitTime()
      do throws(TensorFileError) {
        let model = try Model.open(path)
        opened += 1
        for header in model.tensors {
          _ = try model.sha256(of: header.name)
          guard header.dtype.isLoadable else { continue }
          if header.shape.count == 2 { _ = try model.matrix(named: header.name) }
          if header.shape.count == 1 { _ = try model.vector(named: header.name) }
        }
        _ = try ActivationFile(model)
      } catch {
        try #require(!error.description.isEmpty)
        problems.insert(String("\(Mirror(reflecting: error.problem).children.first?.label ?? "-")"))
      }
    }
    try #require(opened > 0 && problems.count >= kinds, "\(opened) opened, \(problems)")
  }

  private func pick(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }

  private func damage(_ bytes: inout [UInt8], with samples: [[UInt8]]) {
    guard !bytes.isEmpty else {
      bytes = samples[0]
      return
    }
    let at = pick(bytes.count)
    let length = min(1 + pick(12), bytes.count - at)
    switch pick(10) {
    case 0: bytes[at] ^= 1 << UInt8(pick(8))
    case 1: bytes[at] = Array("\"{}[]():,'\\019- \n".utf8)[pick(17)]
    case 2: bytes[at] = [0, 1, 0x7F, 0x80, 0xC0, 0xFF][pick(6)]
    case 3: bytes.removeSubrange(at..<at + length)
    case 4: bytes.insert(contentsOf: bytes[at..<at + length], at: pick(bytes.count))
    case 5: bytes.removeSubrange(at...)
    case 6: bytes.append(contentsOf: [UInt8](repeating: UInt8(pick(256)), count: pick(70)))
    case 7:
      let wide: UInt64 = [0, 1, 0xFFFF, 0xFFFF_FFFF, 1 << 32, 1 << 62, .max][pick(7)]
      for (index, byte) in littleEndian(wide).prefix([2, 4, 8][pick(3)]).enumerated()
      where at + index < bytes.count { bytes[at + index] = byte }
    default: replaceNumber(&bytes, from: at)
    }
  }

  /// The next run of digits becomes another number.
  private func replaceNumber(_ bytes: inout [UInt8], from at: Int) {
    let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
    guard let start = bytes[at...].firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    let numbers = [
      "0", "1", "2", "3", "6", "8", "24", "-1", "00", "1e9", "1.5", "4294967296",
      "9223372036854775807", "18446744073709551616", "", "100000000",
    ]
    bytes.replaceSubrange(start..<end, with: Array(numbers[pick(numbers.count)].utf8))
  }
}
