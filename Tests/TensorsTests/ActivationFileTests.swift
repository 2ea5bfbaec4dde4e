import Foundation
import Testing

@testable import Tensors

@Suite struct ActivationFileTests {
  private let layer = "encoder.layer.0."

  @Test func theBuiltInActivationsServeEveryWeightOfTheBuiltInModel() throws {
    let model = try Model.open(dataDirectory + "/demo.safetensors")
    let file = try ActivationFile.open(dataDirectory + "/demo-activations.safetensors")
    #expect(file.inputs.count == 3)
    #expect(model.matrices.count == 6)
    for weight in model.matrices {
      if let recomputed = file.recomputed(for: weight.name) {
        #expect(weight.name == layer + "output.dense.weight")
        #expect(recomputed.activation == "gelu")
        let projection = try model.matrix(named: recomputed.projection)
        #expect(projection.rows == weight.columns)
        #expect(try model.vector(named: recomputed.bias).count == weight.columns)
        #expect(
          try file.calibration(ofInput: recomputed.input)?.columns == projection.columns)
        #expect(try file.calibration(for: weight.name, width: weight.columns) == nil)
      } else {
        let calibration = try file.calibration(for: weight.name, width: weight.columns)
        let evaluation = try file.evaluation(for: weight.name, width: weight.columns)
        #expect(calibration?.rows == 1024 && evaluation?.rows == 512)
        #expect(calibration?.values.allSatisfy(\.isFinite) == true)
      }
    }
    let query = layer + "attention.self.query.weight"
    let key = layer + "attention.self.key.weight"
    #expect(
      try file.calibration(for: query, width: 384) == file.calibration(for: key, width: 384))
  }

  @Test func theInputOfTheFeedForwardPartIsNormalised() throws {
    // A layer norm came last: undoing its weight and bias leaves rows of mean 0 and variance 1.
    let model = try Model.open(dataDirectory + "/demo.safetensors")
    let file = try ActivationFile.open(dataDirectory + "/demo-activations.safetensors")
    let scale = try model.vector(named: layer + "attention.output.LayerNorm.weight")
    let shift = try model.vector(named: layer + "attention.output.LayerNorm.bias")
    let x = try #require(try file.evaluation(ofInput: layer + "intermediate.dense"))
    for row in 0..<x.rows {
      var (sum, squares) = (0.0, 0.0)
      for column in 0..<x.columns {
        let value = Double((x[row, column] - shift[column]) / scale[column])
        sum += value
        squares += value * value
      }
      // F16 keeps 11 bits, so a value is off by up to 2⁻¹¹ of itself: 384 of them average out.
      #expect(abs(sum / 384) < 0.01 && abs(squares / 384 - 1) < 0.01, "row \(row)")
    }
  }

  @Test func aPlainMatrixIsSplitTwoToOneAndServesWeightsOfItsWidth() throws {
    let directory = try TemporaryDirectory()
    let all = gaussian(10, 4, seed: 5)
    try NumPyWriter.write(all, to: directory.path + "/x.npy")
    let file = try ActivationFile.open(directory.path + "/x.npy")
    let first = try #require(try file.calibration(for: "any", width: 4))
    let second = try #require(try file.evaluation(for: "any", width: 4))
    #expect((first.rows, second.rows) == (7, 3))
    #expect(first.values + second.values == all.values)
    #expect(try file.calibration(for: "any", width: 5) == nil)
  }

  private func write(
    _ matrices: [String: Matrix], _ metadata: [String: String], _ directory: TemporaryDirectory
  ) throws -> String {
    var writer = SafetensorsWriter(metadata: metadata)
    for (name, matrix) in matrices { writer.set(name, matrix) }
    let path = directory.path + "/x.safetensors"
    try writer.write(to: path, force: true)
    return path
  }

  @Test func namesAloneMapInputsToWeights() throws {
    let directory = try TemporaryDirectory()
    let path = try write(
      [
        "calibration.l.1.self": gaussian(4, 3, seed: 1),
        "evaluation.l.1.self": gaussian(2, 3, seed: 2),
      ], [:], directory)
    let file = try ActivationFile.open(path)
    #expect(file.input(for: "l.1.self.query.weight", width: 3) != nil)
    #expect(file.input(for: "l.1.self.weight", width: 3) != nil)
    #expect(file.input(for: "l.1.self.query.weight", width: 4) == nil)
    #expect(file.input(for: "l.1.selfless.weight", width: 3) == nil)
    #expect(file.input(for: "l.1.self.a.b.weight", width: 3) == nil)
  }

  @Test func whatIsNoActivationFileIsRefused() throws {
    let directory = try TemporaryDirectory()
    func found(_ matrices: [String: Matrix], _ metadata: [String: String] = [:]) throws
      -> TensorFileError.Problem?
    {
      let path = try write(matrices, metadata, directory)
      do throws(TensorFileError) {
        _ = try ActivationFile.open(path)
        return nil
      } catch {
        return error.problem
      }
    }
    let x = gaussian(4, 3, seed: 1)
    #expect(
      try found(["a": x, "b": x]) == .noActivations(found: ["a (F32 [4, 3])", "b (F32 [4, 3])"]))
    // Of the same names and shapes, but not the same activations.
    let others = try [1, 2].map { seed in
      try ActivationFile.open(
        write(["a": gaussian(4, 3, seed: UInt64(seed))], [:], directory)
      ).identity
    }
    #expect(others[0] != others[1])
    #expect(try found([:]) == .noActivations(found: []))
    #expect(try found(["a": gaussian(2, 3, seed: 1)]) == .tooFewRows(rows: 2, needed: 3))
    #expect(
      try found(["calibration.a": x]) == .noSuchTensor("evaluation.a", known: ["calibration.a"]))
    #expect(
      try found(["calibration.a": x, "evaluation.a": gaussian(2, 5, seed: 1)])
        == .activationsDiffer(input: "a", expected: [2, 3], found: [2, 5]))
    let both = ["calibration.a": x, "evaluation.a": x]
    guard case .noSuchTensor("calibration.z", _) = try found(both, ["input:z": "w"]) else {
      Issue.record("an unknown input was taken")
      return
    }
    guard case .malformed = try found(both, ["recompute:w": "relu a p b"]) else {
      Issue.record("an unknown activation was taken")
      return
    }
    let file = try ActivationFile.open(try write(both, ["input:a": "w"], directory))
    let error = #expect(throws: TensorFileError.self) { try file.calibration(for: "w", width: 7) }
    #expect(error?.problem == .activationsDiffer(input: "a", expected: [4, 7], found: [4, 3]))
  }
}
