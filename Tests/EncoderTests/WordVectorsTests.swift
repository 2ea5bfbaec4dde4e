import Foundation
import Tensors
import Testing

@testable import Encoder

@Suite struct WordVectorsTests {
  @Test func rowsAreThoseOfTheMatrixAndStayWhereTheyAre() throws {
    let model = try TinyModel(layers: 1)
    let file = try Model.open(model.directory.path)
    let name = "embeddings.word_embeddings.weight"
    let matrix = model.matrices[name]!
    let words = WordVectors(
      model: file, name: name, count: matrix.rows, width: matrix.columns)
    for index in [3, 0, matrix.rows - 1, 3, 17] {
      let row = words[index]
      #expect(row == words[index])
      for column in 0..<matrix.columns { #expect(row[column] == matrix[index, column]) }
    }
    #expect(words.failure == nil)
  }

  @Test func threadsThatAskForTheSameRowsGetTheSameRows() throws {
    let model = try TinyModel(layers: 1)
    let name = "embeddings.word_embeddings.weight"
    let matrix = model.matrices[name]!
    let words = WordVectors(
      model: try Model.open(model.directory.path), name: name, count: matrix.rows,
      width: matrix.columns)
    DispatchQueue.concurrentPerform(iterations: 8) { worker in
      for step in 0..<matrix.rows {
        let index = (step * 7 + worker) % matrix.rows
        precondition(words[index][5] == matrix[index, 5])
      }
    }
    #expect(words.failure == nil)
  }

  @Test func checkpointThatWasCutIsReportedAndItsWordsAreNotANumber() throws {
    let model = try TinyModel(layers: 1)
    let encoder = try model.encoder()
    let path = model.directory.path + "/model.safetensors"
    #expect(encoder.readFailure == nil)
    truncate(path, 64)
    let result = encoder.encode(["q r s"])
    #expect(result.embeddings.values.allSatisfy { $0.isNaN })
    #expect(encoder.readFailure?.description.contains("model.safetensors") == true)
  }
}
