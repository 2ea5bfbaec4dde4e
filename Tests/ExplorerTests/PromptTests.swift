import CellUI
import Experiments
import Testing

@testable import Explorer

@Suite struct PromptTests {
  func prompt(_ bench: Bench) -> PromptState? {
    if case .prompt(let prompt) = bench.state.mode { prompt } else { nil }
  }

  @Test func colonRunsWhatIsTyped() {
    var bench = Bench.opened()
    bench.type(":pattern 16x16")
    bench.press(.enter)
    #expect(bench.state.mode == .normal)
    #expect(bench.state.knobs.pattern == .block(16, 16))
  }

  @Test func errorStandsBesideTheTextThatCausedIt() {
    var bench = Bench.opened()
    bench.type(":pattern 33y1")
    bench.press(.enter)
    #expect(prompt(bench)?.error?.contains("unknown pattern '33y1'") == true)
    #expect(prompt(bench)?.field.text == "pattern 33y1")
    bench.press(.backspace)
    #expect(prompt(bench)?.error == nil)
  }

  @Test func tabCompletesNamesAndValuesInTurn() {
    var bench = Bench.opened()
    bench.type(":patt")
    bench.press(.tab)
    #expect(prompt(bench)?.field.text == "pattern ")
    bench.type("tw")
    bench.press(.tab)
    #expect(prompt(bench)?.field.text == "pattern tw16")
    bench.press(.tab)
    #expect(prompt(bench)?.field.text == "pattern tw64")
    bench.press(.backTab)
    #expect(prompt(bench)?.field.text == "pattern tw16")
  }

  @Test func tensorNamesCompleteByAnyPart() {
    var bench = Bench.opened()
    bench.type(":tensor 1.attention.self.v")
    bench.press(.tab, .enter)
    #expect(bench.state.tensor?.name == "encoder.layer.1.attention.self.value.weight")
  }

  @Test func historyGoesBackAndForthAndKeepsTheDraft() {
    var bench = Bench.opened()
    for line in [":note one", ":note two"] {
      bench.type(line)
      bench.press(.enter)
    }
    bench.type(":dra")
    bench.press(.up)
    #expect(prompt(bench)?.field.text == "note two")
    bench.press(.up, .up)
    #expect(prompt(bench)?.field.text == "note one")
    bench.press(.down, .down)
    #expect(prompt(bench)?.field.text == "dra")
    bench.press(.escape)
    #expect(bench.state.mode == .normal)
  }

  @Test func helpFiltersRunsAndExplains() {
    var bench = Bench.opened()
    bench.press(.character("?"))
    bench.type("zoom in")
    let all = HelpEntry.list(bench.state, matching: "zoom in")
    #expect(all.first?.title == "zoom in")
    bench.press(.enter)
    #expect(bench.state.mode == .normal)
    #expect(bench.state.mask.zoom != .fit)
    let redo = HelpEntry.list(bench.state, matching: "redo").first
    #expect(redo?.reason == "nothing to redo")
  }

  @Test func keyOfAnotherPageSaysWhereItWorks() {
    var bench = Bench.opened()
    bench.press(.character("f"))
    #expect(bench.state.message?.text == "f: from which sparsity it wins on the why page (5)")
    bench.press(.character("%"))
    #expect(bench.state.message?.text == "% does nothing here; ? lists what does")
  }

  @Test func everyCommandNameParsesOrAsksForItsValue() {
    for entry in CommandEntry.all where entry.arguments.isEmpty {
      #expect(throws: Never.self) { try Command(parsing: entry.name) }
    }
  }

  @Test func noKeyIsBoundTwiceInOnePlace() {
    var seen: [String: String] = [:]
    for binding in KeyTable.bindings {
      for key in binding.keys {
        let place = "\(binding.place) \(KeyName.text(key))"
        #expect(seen[place] == nil, "\(place): \(seen[place] ?? "") and \(binding.title)")
        seen[place] = binding.title
      }
    }
    #expect(KeyTable.markdown.split(separator: "\n").count == KeyTable.bindings.count + 2)
  }

  @Test func findGoesToTheNextLayerAndFilterShortensTheList() {
    var bench = Bench.opened()
    bench.type("/value")
    bench.press(.enter)
    #expect(bench.state.tensor?.name == "encoder.layer.0.attention.self.value.weight")
    bench.press(.character("n"))
    #expect(bench.state.tensor?.name == "encoder.layer.1.attention.self.value.weight")
    bench.run("filter key")
    #expect(bench.state.listedTensors.count == 2)
    bench.run("find nowhere")
    #expect(bench.state.message?.text == "no layer's name holds 'nowhere'")
  }

  @Test func mouseReachesWhatIsUnderIt() {
    var bench = Bench.opened()
    let layout = ScreenLayout(bench.state)
    func click(_ x: Int, _ y: Int, _ action: MouseEvent.Action = .press) {
      for command in commands(for: .mouse(MouseEvent(x: x, y: y, action: action)), in: bench.state)
      {
        bench.send(.command(command))
      }
    }
    click(layout.layers!.x + 3, layout.layers!.y + 3)
    #expect(bench.state.tensor?.name == bench.state.listedTensors[2].name)
    click(layout.knobs.x + 3, layout.knobs.y + 1)
    #expect(bench.state.knob == .pattern)
    let zeros = bench.state.knobs.amount
    click(layout.knobs.x + 16, layout.knobs.y + 2)
    #expect(bench.state.knobs.amount != zeros)
    click(layout.picture.x + 20, layout.picture.y + 5)
    #expect(bench.state.panel == .picture)
    click(layout.picture.x + 20, layout.picture.y + 5, .wheelUp)
    #expect(bench.state.mask.zoom != .fit)
    click(12, bench.state.height - 1)
    #expect(bench.state.page == .sweep)
  }
}
