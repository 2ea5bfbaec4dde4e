import Encoder
import Foundation
import Tensors
import Testing

@testable import Laboratory

@Suite struct TrainingCorpusTests {
  /// Texts of 6 to 20 letters: 8 to 22 tokens.
  private static func texts(_ count: Int, seed: UInt64) -> [String] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      (0..<6 + Int(generator.next() % 15)).map { _ in
        String(UnicodeScalar(UInt8(97 + generator.next() % 26)))
      }.joined(separator: " ")
    }
  }

  private static func encoder() throws -> (BERTEncoder, ModelFixture) {
    let fixture = try ModelFixture()
    return (try BERTEncoder(directory: fixture.path), fixture)
  }

  @Test func heldOutSentencesAreNeverAmongTheTexts() throws {
    let (encoder, _) = try Self.encoder()
    let heldOut = Self.texts(20, seed: 5)
    let disguised = heldOut.enumerated().map { index, text in
      switch index % 3 {
      case 0: text
      case 1: text.uppercased()
      default: "  " + text.replacingOccurrences(of: " ", with: " \t ") + " "
      }
    }
    let others = Self.texts(200, seed: 6)
    let corpus = try TrainingCorpus(
      (disguised + others).shuffled(), heldOut: heldOut, encoder: encoder, source: "test")
    let forbidden = Set(heldOut.map { encoder.tokens($0).ids })
    #expect(corpus.counts.heldOut == 20)
    #expect(!corpus.texts.contains { forbidden.contains($0) })
    #expect(corpus.texts.count == 200)
  }

  @Test func textsAreOnceEachOfTheRightLengthAndInAnOrderOfTheirOwn() throws {
    let (encoder, _) = try Self.encoder()
    let good = Self.texts(100, seed: 1)
    let long = (0..<60).map { _ in "a" }.joined(separator: " ")
    let first = try TrainingCorpus(
      good + good + ["a b", long], heldOut: [], encoder: encoder, source: "test")
    let second = try TrainingCorpus(
      good.reversed(), heldOut: [], encoder: encoder, source: "test")
    #expect(first.texts == second.texts)
    #expect(first.texts.count == Set(good).count)
    #expect(first.counts.otherLength == 2)
    #expect(first.tokens == first.texts.reduce(0) { $0 + $1.count })
    #expect(first.texts.allSatisfy { TrainingCorpus.lengths.contains($0.count) })
    #expect(first.warnings.count == 1)
  }

  @Test func blocksCoverAllTextsOnce() throws {
    let (encoder, _) = try Self.encoder()
    let corpus = try TrainingCorpus(
      Self.texts(6000, seed: 2), heldOut: [], encoder: encoder, source: "test")
    #expect(corpus.blocks.flatMap { Array($0) } == Array(corpus.texts.indices))
    #expect(
      corpus.blocks.count == (corpus.tokens + TrainingCorpus.blockTokens - 1)
        / TrainingCorpus.blockTokens)
    let sample = corpus.sample(tokens: 1000)
    #expect((1000..<1048).contains(sample.reduce(0) { $0 + $1.count }))
    #expect(corpus.sample(tokens: .max).count == corpus.texts.count)
  }

  @Test func nothingToTrainOnIsAnErrorThatSaysWhy() throws {
    let (encoder, _) = try Self.encoder()
    #expect(throws: LaboratoryError.self) {
      try TrainingCorpus(["a b c"], heldOut: [], encoder: encoder, source: "short.txt")
    }
    do {
      _ = try TrainingCorpus(["a b c"], heldOut: [], encoder: encoder, source: "short.txt")
    } catch {
      #expect(error.kind == .unreadable)
      #expect(error.description.contains("short.txt"))
      #expect(error.description.contains("8 to 48"))
    }
  }

  @Test func splicesAreMadeOfTheSentencesAndFollowTheSeed() {
    let sentences = ["one two three four", "five six seven", "eight nine"]
    let splices = TrainingCorpus.splices(of: sentences, count: 200, seed: 3)
    #expect(splices.count == 203)
    #expect(splices == TrainingCorpus.splices(of: sentences, count: 200, seed: 3))
    #expect(splices != TrainingCorpus.splices(of: sentences, count: 200, seed: 4))
    let words = Set(sentences.flatMap { $0.split(separator: " ") })
    for splice in splices {
      let parts = splice.split(separator: " ")
      #expect(parts.allSatisfy { words.contains($0) })
      #expect(sentences.contains { splice.hasPrefix(String($0.split(separator: " ")[0])) })
    }
  }
}

@Suite struct TrainingBatchesTests {
  @Test func anEpochTakesEachTextAtMostOnceInBatchesOfOneLength() {
    var generator = SeededGenerator(seed: 7)
    let lengths = (0..<2000).map { _ in 8 + Int(generator.next() % 41) }
    var batches = TrainingBatches(lengths: lengths, tokensPerStep: 256, seed: 1)
    for epoch in 0..<3 {
      var seen = Set<Int>()
      for step in 0..<batches.stepsPerEpoch {
        let texts = batches.texts(step: epoch * batches.stepsPerEpoch + step)
        #expect(Set(texts.map { lengths[$0] }).count == 1)
        #expect(texts.count * lengths[texts[0]] <= 256)
        #expect((texts.count + 1) * lengths[texts[0]] > 256)
        for text in texts { #expect(seen.insert(text).inserted) }
      }
      #expect(seen.count > 1600)
    }
  }

  @Test func aStepFollowsFromSeedAndNumberAlone() {
    let lengths = (0..<500).map { 8 + $0 % 12 }
    var straight = TrainingBatches(lengths: lengths, tokensPerStep: 64, seed: 9)
    let all = (0..<straight.stepsPerEpoch * 2).map { straight.texts(step: $0) }
    var other = TrainingBatches(lengths: lengths, tokensPerStep: 64, seed: 9)
    for step in [all.count - 1, 0, all.count / 2, 3] {
      #expect(other.texts(step: step) == all[step])
    }
    var reseeded = TrainingBatches(lengths: lengths, tokensPerStep: 64, seed: 10)
    #expect((0..<20).contains { reseeded.texts(step: $0) != all[$0] })
    #expect(Set(all[..<straight.stepsPerEpoch]) != Set(all[straight.stepsPerEpoch...]))
  }

  @Test func lengthsThatNeverFillABatchAreNotLost() {
    var batches = TrainingBatches(lengths: [40, 8, 8, 8], tokensPerStep: 256, seed: 1)
    #expect(batches.stepsPerEpoch == 2)
    let texts = (0..<2).map { batches.texts(step: $0).sorted() }
    #expect(Set(texts) == [[0], [1, 2, 3]])
  }
}
