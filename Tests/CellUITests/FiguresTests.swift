import CellUI
import Testing

@Suite struct FiguresTests {
  @Test(arguments: [
    (0.4123, "0.412"), (12.34, "12.3"), (123.4, "123"), (1234, "1234"), (12345, "12 345"), (0, "0"),
    (-0.05, "-0.0500"), (0.00001234, "1.23e-5"), (9.996, "10.0"), (0.9996, "1.00"), (99.96, "100"),
    (.infinity, "∞"), (.nan, "–"), (1e20, "1.00e20"),
  ])
  func plainHasThreeSignificantDigits(_ value: Double, _ text: String) {
    #expect(Figures.plain(value) == text)
  }

  @Test(arguments: [
    (221.0, "221 ns"), (512_300, "512 µs"), (1_000, "1.00 µs"), (999.6, "1.00 µs"),
    (42_100_000, "42.1 ms"), (2.5e9, "2.50 s"), (125e9, "2 min 05 s"), (7_500e9, "2 h 05 min"),
  ])
  func durationsTakeTheFittingUnit(_ nanoseconds: Double, _ text: String) {
    #expect(Figures.duration(nanoseconds: nanoseconds) == text)
  }

  @Test func otherUnits() {
    #expect(Figures.ratio(2.314) == "2.31x")
    #expect(Figures.ratio(22.18) == "22.2x")
    #expect(Figures.ratio(nil) == "–")
    #expect(Figures.percent(0.8) == "80.0 %")
    #expect(Figures.percent(0.8, places: 0) == "80 %")
    #expect(Figures.bytes(1_204_224) == "1.20 MB")
    #expect(Figures.bytes(512) == "512 B")
    #expect(Figures.rate(61.24e9, "FLOP/s") == "61.2 GFLOP/s")
    #expect(Figures.count(1_204_224) == "1 204 224")
    #expect(Figures.count(-999) == "-999")
    #expect(Figures.fixed(2.675, 2) == "2.68")
    #expect(Figures.fixed(-0.001, 2) == "0.00")
  }

  @Test func roundTripOfFixedIsWithinHalfALastPlace() throws {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<5000 {
      let value = Double.random(in: -1e6...1e6, using: &generator)
      let places = Int.random(in: 0...6, using: &generator)
      let read = try #require(Double(Figures.fixed(value, places)))
      var unit = 1.0
      for _ in 0..<places { unit /= 10 }
      // Half a last place, and what four units in the last place of the binary value add.
      #expect(abs(read - value) <= unit / 2 + abs(value) * 8 * Double.ulpOfOne)
    }
  }

  @Test func plainIsWithinHalfOfItsThirdDigit() throws {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<5000 {
      var value = Double.random(in: 1...10, using: &generator)
      for _ in 0..<Int.random(in: 0...4, using: &generator) { value *= 10 }
      for _ in 0..<Int.random(in: 0...6, using: &generator) { value /= 10 }
      let text = Figures.plain(value).filter { $0 != " " }
      let read = try #require(Double(text))
      #expect(abs(read - value) <= value * 0.00501, "\(value) \(text)")
    }
  }
}
