import CellUI
import Testing

@Suite struct HistogramTests {
  @Test func oneValueFarAwayDoesNotPressTheOthersTogether() throws {
    let values = (0..<200).map { 5 + Double($0 % 20) / 100 } + [0.05, 285]
    let plain = try #require(Histogram(values, bins: 20))
    #expect(plain.counts.max() == 201)
    let fenced = try #require(Histogram(fenced: values, bins: 20))
    #expect(fenced.low == 5 && fenced.high == 5.19)
    #expect(fenced.below == 1 && fenced.above == 1)
    #expect(fenced.counts.reduce(0, +) == 200)
    #expect(fenced.counts.max()! <= 20)
  }

  @Test func everyValueIsCountedOnceWhateverTheyAre() throws {
    var seed: UInt64 = 7
    for count in [1, 2, 3, 5, 40] {
      let values = (0..<count).map { _ -> Double in
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(seed >> 40) / Double(1 << (seed % 20))
      }
      let histogram = try #require(Histogram(fenced: values, bins: 7))
      #expect(histogram.counts.reduce(histogram.below + histogram.above, +) == count)
    }
    #expect(Histogram(fenced: [.nan, .infinity], bins: 4) == nil)
    #expect(Histogram(fenced: [2, 2, 2, 2], bins: 4)?.counts == [0, 0, 4, 0])
  }

  @Test func whatLiesBeyondIsCountedAtItsEnd() throws {
    let values = (0..<200).map { 5 + Double($0 % 20) / 100 } + [0.05, 285, 300]
    var frame = Frame(width: 30, height: 6)
    frame.histogram(
      try #require(Histogram(fenced: values, bins: 10)), in: frame.bounds, format: .ratio,
      theme: .terminal)
    #expect(frame.text.contains("5.00x ◂1"))
    #expect(frame.text.contains("2▸ 5.19x"))
  }
}
