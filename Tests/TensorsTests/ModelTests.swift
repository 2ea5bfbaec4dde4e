import Foundation
import Testing

@testable import Tensors

@Suite struct ModelTests {
  @Test func halfPrecisionTensorsReadAsTheirExactValues() throws {
    let directory = try TemporaryDirectory()
    let halves: [Float16] = [1, -2, 0.5, 65504, 0x1p-24, -.infinity]
    let brains: [UInt16] = [0x3F80, 0xC000, 0x7F80, 0x0001]
    let data =
      halves.flatMap { littleEndian($0.bitPattern) } + brains.flatMap { littleEndian($0) }
      + bytes([1.5, .nan])
    let path = try directory.file(
      "a.safetensors",
      safetensors(
        """
        {"h":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},\
        "b":{"dtype":"BF16","shape":[4],"data_offsets":[12,20]},\
        "f":{"dtype":"F32","shape":[1,2],"data_offsets":[20,28]},"__metadata__":{"k":"v"}}
        """, data))
    let model = try Model.open(path)
    #expect(model.metadata == ["k": "v"])
    #expect(model.tensors.map(\.name) == ["b", "f", "h"])
    #expect(try model.matrix(named: "h").values == halves.map(Float.init))
    #expect(
      try model.vector(named: "b") == [1, -2, .infinity, Float(bitPattern: 0x10000)])
    let f = try model.matrix(named: "f")
    #expect(f.values[0] == 1.5 && f.values[1].isNaN)
    #expect(try model.bytes(named: "h") { Array($0) } == Array(data[..<12]))
    #expect(throws: TensorFileError.self) { try model.vector(named: "h") }
    #expect(throws: TensorFileError.self) { try model.matrix(named: "b") }
  }

  @Test func everyHalfAndEveryBrainFloatConvertsExactly() {
    let all = (0...UInt16.max).map { $0 }
    // An odd length and an odd address: the vector loop, its rest, and unaligned loads.
    let raw: [UInt8] = [0] + all.flatMap { littleEndian($0) } + all[..<5].flatMap(littleEndian)
    for isHalf in [true, false] {
      var result = [Float](repeating: .nan, count: all.count + 5)
      raw.withUnsafeBytes { source in
        result.withUnsafeMutableBufferPointer { target in
          if isHalf {
            HalfPrecision.widen16(source.baseAddress! + 1, target)
          } else {
            HalfPrecision.widenBrain(source.baseAddress! + 1, target)
          }
        }
      }
      for (index, bits) in (all + all[..<5]).enumerated() {
        let expected =
          isHalf ? Float(Float16(bitPattern: bits)) : Float(bitPattern: UInt32(bits) << 16)
        let same = result[index].bitPattern == expected.bitPattern
        #expect(same || (expected.isNaN && result[index].isNaN), "bits \(bits)")
        if !expected.isNaN {
          let back = isHalf ? HalfPrecision.half(expected) : HalfPrecision.brain(expected)
          #expect(back == bits)
        }
      }
    }
  }

  @Test func brainFloatsRoundToNearestEven() {
    #expect(HalfPrecision.brain(Float(bitPattern: 0x3F80_8000)) == 0x3F80)
    #expect(HalfPrecision.brain(Float(bitPattern: 0x3F81_8000)) == 0x3F82)
    #expect(HalfPrecision.brain(Float(bitPattern: 0x3F80_8001)) == 0x3F81)
    #expect(HalfPrecision.brain(.greatestFiniteMagnitude) == 0x7F80)
    #expect(HalfPrecision.brain(Float(bitPattern: 0x7F80_0001)) & 0x7FFF > 0x7F80)
  }

  @Test func otherTypesAreListedAndPolitelyRefused() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.file(
      "a.safetensors",
      safetensors(
        """
        {"ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]},\
        "new":{"dtype":"F2_X","shape":[9],"data_offsets":[16,19]}}
        """, [UInt8](repeating: 7, count: 19)))
    let model = try Model.open(path)
    #expect(model.tensors.map(\.dtype.rawValue) == ["I64", "F2_X"])
    #expect(model.matrices.isEmpty)
    let error = #expect(throws: TensorFileError.self) { try model.matrix(named: "ids") }
    #expect(error?.problem == .notLoadable(tensor: "ids", dtype: DataType(rawValue: "I64")))
    #expect("\(error!)".contains("has type I64; F32, F16 and BF16 can be loaded"))
  }

  @Test func namesStandInNaturalOrder() {
    let names = ["layer.10.w", "layer.2.w", "layer.2.b", "a", "layer.02.w", "layer", "9", "10"]
    #expect(
      names.sorted(by: NaturalOrder.precedes)
        == ["9", "10", "a", "layer", "layer.2.b", "layer.02.w", "layer.2.w", "layer.10.w"])
    for first in names {
      #expect(!NaturalOrder.precedes(first, first))
      for second in names where first != second {
        #expect(NaturalOrder.precedes(first, second) != NaturalOrder.precedes(second, first))
      }
    }
  }

  @Test func syntheticWeightsAreTheSameEverywhere() throws {
    let model = try Model.open("synthetic:96x768:7")
    let weights = try model.matrix(named: "weight")
    #expect((weights.rows, weights.columns) == (96, 768))
    let energy = weights.values.reduce(0) { $0 + Double($1) * Double($1) } / Double(weights.count)
    // Variance 1/768; of 73 728 samples its relative standard error is √(2/73 728) = 0.5 %.
    #expect(abs(energy * 768 - 1) < 0.03)
    #expect(try Model.open("synthetic:96x768:7").matrix(named: "weight") == weights)
    #expect(try Model.open("synthetic:96x768:8").matrix(named: "weight") != weights)
    #expect(try Model.open("synthetic:96x768").identity != model.identity)
    #expect(
      try model.sha256(of: "weight")
        == "f54e7fe002c57e3dcd00c626aee6b76e1c4daa9b0bcac6e5217fd843a0c1169d")
    let halves = model.synthetic!.activations()
    #expect(halves.calibration.rows == 512 && halves.evaluation.rows == 256)
    #expect(halves.calibration.columns == 768 && halves.calibration != weights)
  }

  @Test(arguments: [
    "synthetic:", "synthetic:3", "synthetic:3x", "synthetic:0x3", "synthetic:-1x3",
    "synthetic:3x3:", "synthetic:3x3:x", "synthetic:3x3:1:1", "synthetic:3x3x3", "synthetic:+3x3",
    "synthetic:99999999999999999999x3", "synthetic:3x3:+1",
  ])
  func badSyntheticModelsAreRefused(_ text: String) {
    #expect(problem(opening: text) == .notSynthetic(text: text))
  }

  @Test func tooLargeSyntheticModelsAreRefused() {
    for text in ["synthetic:131072x131072", "synthetic:1x131073"] {
      guard case .syntheticTooLarge = problem(opening: text) else {
        Issue.record("\(text) was opened")
        continue
      }
    }
  }

  @Test func identityFollowsHeadersAndSizesAndNotThePath() throws {
    let directory = try TemporaryDirectory()
    let header = #"{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#
    let a = try Model.open(directory.file("a.safetensors", safetensors(header, bytes([1, 2]))))
    let b = try Model.open(directory.file("b.safetensors", safetensors(header, bytes([1, 3]))))
    let c = try Model.open(
      directory.file("c.safetensors", safetensors(header + " ", bytes([1, 2]))))
    #expect(a.identity == b.identity && a.identity != c.identity)
    #expect(a.identity.utf8.count == 64)
    #expect(try a.sha256(of: "w") != b.sha256(of: "w"))
    #expect(try a.sha256(of: "w") == c.sha256(of: "w"))
  }

  @Test func checksumsMatchThePublishedVectors() {
    var sum = SHA256Sum()
    sum.update("abc")
    #expect(
      sum.hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    var crc = CRC32()
    Array("123456789".utf8).withUnsafeBytes { crc.update($0) }
    #expect(crc.value == 0xCBF4_3926)
  }

  @Test func checksumsDoNotDependOnWhereTheBytesAreCut() {
    var generator = SeededGenerator(seed: 3)
    let data = (0..<1000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    func crc(_ cuts: [Int]) -> UInt32 {
      var sum = CRC32()
      for (begin, end) in zip([0] + cuts, cuts + [data.count]) {
        Array(data[begin..<end]).withUnsafeBytes { sum.update($0) }
      }
      return sum.value
    }
    // One byte at a time never takes the eight-byte step.
    let slow = crc(Array(1..<1000))
    #expect(crc([]) == slow && crc([3]) == slow && crc([8, 17, 500]) == slow)
  }

  @Test func aFileThatShrinksIsAnErrorAndNotASignal() throws {
    let directory = try TemporaryDirectory()
    let header = #"{"w":{"dtype":"F32","shape":[512,512],"data_offsets":[0,1048576]}}"#
    let whole = safetensors(header, [UInt8](repeating: 0, count: 1 << 20))
    let path = try directory.file("a.safetensors", whole)
    let model = try Model.open(path)
    #expect(try model.matrix(named: "w").values.allSatisfy { $0 == 0 })
    #expect(truncate(path, 1000) == 0)
    let changed = TensorFileError.Problem.changed(size: whole.count, found: 1000)
    #expect(
      #expect(throws: TensorFileError.self) { try model.matrix(named: "w") }?.problem == changed)
    #expect(#expect(throws: TensorFileError.self) { try model.sha256(of: "w") }?.problem == changed)
    #expect(
      #expect(throws: TensorFileError.self) { try model.bytes(named: "w") { $0.count } }?.problem
        == changed)
  }

  @Test func openingHugeShardsReadsHeadersOnly() throws {
    let directory = try TemporaryDirectory()
    var map: [String] = []
    for shard in 0..<10 {
      var fields: [String] = []
      for index in 0..<30 {
        let size = 50 << 20
        let range = "[\(index * size),\((index + 1) * size)]"
        fields.append(
          #""t\#(shard).\#(index)":{"dtype":"F16","shape":[5120,5120],"data_offsets":\#(range)}"#)
        map.append(#""t\#(shard).\#(index)":"m-\#(shard).safetensors""#)
      }
      let header = safetensors("{" + fields.joined(separator: ",") + "}")
      let path = try directory.file("m-\(shard).safetensors", header)
      // Sparse: 15.7 GB by name, a few kilobytes on disk.
      #expect(truncate(path, header.count + 30 * (50 << 20)) == 0)
    }
    _ = try directory.file(
      "model.safetensors.index.json",
      #"{"metadata":{"total_size":15728640000},"weight_map":{"# + map.joined(separator: ",") + "}}")
    let model = try Model.open(directory.path)
    #expect(model.tensors.count == 300)
    #expect(model.tensors[2].name == "t0.2" && model.tensors[10].name == "t0.10")
    #expect(try model.matrix(named: "t9.29").values.allSatisfy { $0 == 0 })
  }
}
