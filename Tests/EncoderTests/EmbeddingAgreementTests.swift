import Tensors
import Testing

@testable import Encoder

@Suite struct EmbeddingAgreementTests {
  private func random(_ rows: Int, _ columns: Int, _ seed: UInt64) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    return Matrix(
      rows: rows, columns: columns,
      values: (0..<rows * columns).map { _ in Float(generator.gaussian()) })
  }

  @Test func sameEmbeddingsAgreeWhateverTheirLength() throws {
    let original = random(20, 30, 1)
    var scaled = original
    for index in scaled.values.indices { scaled.values[index] *= 3 }
    let agreement = EmbeddingAgreement(scaled, original: original)
    #expect(abs(agreement.cosine - 1) < 1e-6)
    let value = try #require(agreement.rankCorrelation)
    #expect(value > 0.999)
    #expect(agreement.neighbourAgreement == 1)
  }

  @Test func oppositeEmbeddingsHaveTheSameSimilarities() throws {
    let original = random(20, 30, 1)
    var opposite = original
    for index in opposite.values.indices { opposite.values[index] *= -1 }
    let agreement = EmbeddingAgreement(opposite, original: original)
    #expect(abs(agreement.cosine + 1) < 1e-6)
    let value = try #require(agreement.rankCorrelation)
    #expect(value > 0.999)
  }

  @Test func unrelatedEmbeddingsHardlyAgree() throws {
    let agreement = EmbeddingAgreement(random(200, 40, 1), original: random(200, 40, 2))
    #expect(abs(agreement.cosine) < 0.1)
    let correlation = try #require(agreement.rankCorrelation)
    #expect(abs(correlation) < 0.1)
    let neighbours = try #require(agreement.neighbourAgreement)
    #expect(neighbours < 0.1)
  }

  @Test func rankCorrelationSharesRanksOfTies() throws {
    // Ranks 0, 1.5, 1.5, 3 against 0, 2, 1, 3: 4.5 / √(4.5 · 5).
    let value = try #require(EmbeddingAgreement.spearman([1, 2, 2, 5], [0, 9, 8, 10]))
    #expect(abs(value - 4.5 / 22.5.squareRoot()) < 1e-12)
    #expect(EmbeddingAgreement.spearman([1, 2, 3], [3, 2, 1]) == -1)
    #expect(EmbeddingAgreement.spearman([1, 1, 1], [3, 2, 1]) == nil)
    #expect(EmbeddingAgreement.spearman([1, 2], [2, 1]) == nil)
    #expect(EmbeddingAgreement.spearman([1, .nan, 2], [1, 2, 3])?.isNaN == true)
  }

  @Test func tooFewTextsHaveNoNeighbours() {
    let one = EmbeddingAgreement(random(1, 8, 1), original: random(1, 8, 1))
    #expect(one.neighbourAgreement == nil)
    #expect(one.rankCorrelation == nil)
    let two = EmbeddingAgreement(random(2, 8, 1), original: random(2, 8, 2))
    #expect(two.neighbourAgreement == 1)
    #expect(two.rankCorrelation == nil)
  }
}
