import CellUI
import Testing

@Suite struct ScaleTests {
  @Test func ticksAreRoundRisingInsideAndFew() {
    var generator = SeededGenerator(seed: 6)
    for _ in 0..<3000 {
      let kind: Scale.Kind = Bool.random(using: &generator) ? .linear : .logarithmic
      let a = Double.random(in: 0.001...1, using: &generator)
      let b = a + [0.01, 1, 100, 1e6].randomElement(using: &generator)!
      let scale = Scale(kind, from: a, to: b)
      let count = Int.random(in: 2...12, using: &generator)
      let ticks = scale.ticks(about: count, .plain)
      #expect(ticks.count <= count + 1, "\(scale) \(count)")
      for tick in ticks {
        let fraction = scale.fraction(tick.value)!
        #expect(fraction > -1e-3 && fraction < 1 + 1e-3)
      }
      for (left, right) in zip(ticks, ticks.dropFirst()) {
        #expect(left.value < right.value)
        #expect(left.label != right.label, "\(scale) \(ticks)")
      }
    }
  }

  @Test func labelsAreAsShortAsTheStepAllows() {
    #expect(
      Scale(.linear, from: 0, to: 1).ticks(about: 5, .percent).map(\.label)
        == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"])
    #expect(
      Scale(.logarithmic, from: 0.5, to: 20).ticks(about: 6, .ratio).map(\.label)
        == ["0.5x", "1x", "2x", "5x", "10x", "20x"])
    #expect(
      Scale(.logarithmic, from: 1e9, to: 1e12).ticks(about: 4, .rate("FLOP/s")).map(\.label)
        == ["1 GFLOP/s", "10 GFLOP/s", "100 GFLOP/s", "1 TFLOP/s"])
    #expect(
      Scale(.linear, from: 0, to: 400_000).ticks(about: 4, .duration).map(\.label)
        == ["0", "100 µs", "200 µs", "300 µs", "400 µs"])
  }

  @Test func badDomainsAreMended() {
    for scale in [
      Scale(.logarithmic, from: -5, to: 10), Scale(.logarithmic, from: 0, to: 0),
      Scale(.linear, from: 3, to: 3), Scale(.linear, from: .nan, to: 1),
      Scale(.linear, from: 5, to: -5), Scale(.linear, covering: []),
      Scale(.logarithmic, covering: [.nan, -1, 0]), Scale(.linear, covering: [0, 0]),
    ] {
      #expect(scale.low < scale.high && scale.low.isFinite && scale.high.isFinite)
      #expect(scale.kind == .linear || scale.low > 0)
    }
  }

  @Test func fractionsAreLinearInTheValueOrItsLogarithm() {
    #expect(Scale(.linear, from: 2, to: 4).fraction(3) == 0.5)
    #expect(abs(Scale(.logarithmic, from: 1, to: 100).fraction(10)! - 0.5) < 1e-15)
    #expect(Scale(.logarithmic, from: 1, to: 100).fraction(0) == nil)
    #expect(Scale(.linear, from: 0, to: 1).fraction(.nan) == nil)
  }
}
