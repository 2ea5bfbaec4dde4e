import CellUI
import Experiments
import Testing

@testable import Explorer

/// The layers page: what tells layers apart, what a part can give, and figures that are of today.
@Suite struct LayersPageTests {
  @Test(arguments: [(80, 24), (120, 36), (200, 60)])
  func numberOfALayerIsAlwaysSeen(_ size: (Int, Int)) {
    var bench = Bench.opened(width: size.0, height: size.1)
    bench.run("pattern 32x1/tetris")
    bench.run("apply all")
    bench.run("view layers")
    let text = render(bench.state).text
    for name in ["0.attention.output.dense", "1.attention.output.dense", "▸0.attention.self.query"]
    {
      #expect(text.contains(name))
    }
  }

  @Test func partsOfTheModelShareItsMultiplications() throws {
    var bench = Bench.opened()
    bench.run("view layers")
    bench.state.layers.selected = 1  // the first query
    let parts = LayerCharts.parts(bench.state)
    // Attention has four matrices of 384x384 a layer, the feed-forward ones four times as much each.
    #expect(
      parts.map(\.title) == [
        "all", "attention, intermediate or output", "0.attention.self.query alone",
      ])
    #expect(parts.map(\.share) == [1, 1.0 / 3, 1.0 / 24])
    #expect(LayerCharts.ratio(1, 0.8).rounded() == 5)
    #expect(LayerCharts.ratio(1.0 / 3, 0.9) == 1 / (1 - 0.3))
  }

  @Test func modelOfOneMatrixHasNoParts() {
    var bench = Bench.opened(width: 200, height: 60)
    bench.state.model = .known(
      ModelInfo(
        path: "x.npy", name: "x", identity: "1", tensors: [FakeLaboratory.model.tensors[1]]))
    bench.run("view layers")
    #expect(LayerCharts.parts(bench.state).isEmpty)
    #expect(!render(bench.state).text.contains("Amdahl's bound"))
  }

  @Test func largeScreenShowsTheChosenLayerAndTheBoundBeforeAnyCurve() {
    var bench = Bench.opened(width: 200, height: 60)
    bench.run("view layers")
    let before = render(bench.state).text
    #expect(before.contains("Amdahl's bound"))
    #expect(before.contains("S draws what each layer loses"))
    bench.run("sensitivity *")
    let after = render(bench.state).text
    #expect(after.contains("Sensitivity"))
    #expect(after.contains("output error of 32x1 at 10 %"))
    #expect(!after.contains("S draws what"))
  }

  /// What was drawn for one pattern says nothing of another.
  @Test func curvesOfOtherKnobsGiveNoFigures() {
    var bench = Bench.opened()
    bench.run("sensitivity *")
    let other = "encoder.layer.1.output.dense.weight"
    #expect(LayerFigures(bench.state)[other].error != nil)
    bench.run("sparsity 0.7")
    #expect(LayerFigures(bench.state)[other].error != nil)
    bench.run("pattern 8x1")
    #expect(LayerFigures(bench.state)[other].error == nil)
    bench.run("budget quality 0.2")
    #expect(bench.state.message?.text.contains("the curves are of 32x1") == true)
    #expect(bench.state.choices.layers.isEmpty)
    bench.run("sensitivity *")
    bench.run("budget quality 0.2")
    #expect(!bench.state.choices.layers.isEmpty)
  }

  @Test func cursorStartsOnTheMatrixThatIsShown() {
    var bench = Bench.opened()
    #expect(
      bench.state.listedTensors[bench.state.layers.selected].name == bench.state.choices.tensor)
    bench.run("layer next")
    #expect(bench.state.layers.selected == 2)
  }

  /// A figure of another criterion, number format or calibration is not this choice's.
  @Test func figuresOfOtherKnobsAreNotShown() {
    var bench = Bench.opened()
    func error() -> Double? {
      LayerFigures(bench.state)["encoder.layer.0.attention.self.query.weight"].error
    }
    func dense() -> Double? {
      LayerFigures(bench.state)["encoder.layer.0.attention.self.query.weight"].dense
    }
    #expect(error() != nil)
    #expect(dense() != nil)
    bench.answersAtOnce = false
    bench.run("criterion random")
    #expect(error() == nil)
    #expect(dense() != nil)
    bench.run("undo")
    #expect(error() != nil)
    bench.run("dtype bf16")
    #expect(error() == nil)
    #expect(dense() == nil)
    bench.run("undo")
    var other = FakeLaboratory.model
    other.calibration?.identity = "ca2"
    bench.state.model = .known(other)
    #expect(error() == nil)
    #expect(dense() != nil)
  }

  @Test func titleAgreesWithTheRemarks() {
    var bench = Bench.opened()
    func title(_ same: Interval, busy: Bool?, warnings: [String] = []) -> String {
      guard case .known(var measurement) = bench.state.measurement else { return "" }
      measurement.sameAgainstSame = same
      measurement.isMachineBusy = busy
      measurement.warnings = warnings
      bench.state.measurement = .known(measurement)
      return String(render(bench.state).text.prefix { $0 != "\n" })
    }
    let same = Interval(estimate: 1, low: 0.995, high: 1.005)
    #expect(title(same, busy: false).contains("steady ●"))
    #expect(title(same, busy: true).contains("busy ◆"))
    // An earlier session has it in words only.
    #expect(title(same, busy: nil).contains("steady ●"))
    #expect(title(same, busy: nil, warnings: ["the load average is 4"]).contains("busy ◆"))
    // Wide or off: noisy, whatever else runs.
    for bad in [(0.97, 1.03), (1.01, 1.02)] {
      let interval = Interval(estimate: bad.0, low: bad.0, high: bad.1)
      #expect(title(interval, busy: true).contains("noisy ▲"))
    }
  }
}
