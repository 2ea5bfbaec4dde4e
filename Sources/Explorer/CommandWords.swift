internal import Experiments

/// The words of one command, taken one by one.
struct CommandWords {
  private var words: ArraySlice<String>
  var command = ""

  init(_ words: [String]) { self.words = words[...] }

  var isEmpty: Bool { words.isEmpty }

  /// Everything that is left, as one text.
  var remaining: String {
    mutating get {
      defer { words = [] }
      return words.joined(separator: " ")
    }
  }

  mutating func next() -> String? { words.popFirst() }

  mutating func word(_ expected: String) throws(CommandError) -> String {
    guard let word = next() else { throw CommandError("\(command): expected \(expected)") }
    return word
  }

  mutating func rest(_ expected: String) throws(CommandError) -> String {
    guard !isEmpty else { throw CommandError("\(command): expected \(expected)") }
    return remaining
  }

  mutating func number(_ expected: String) throws(CommandError) -> Double {
    let text = try word(expected)
    guard let value = Double(text), value.isFinite else {
      throw CommandError("\(command) \(text): expected \(expected)")
    }
    return value
  }

  mutating func integer(_ expected: String) throws(CommandError) -> Int {
    let text = try word(expected)
    guard let value = Int(text), abs(value) < 1 << 40 else {
      throw CommandError("\(command) \(text): expected \(expected), a whole number")
    }
    return value
  }

  mutating func choice<Value: RawRepresentable & CaseIterable>(
    _ what: String
  ) throws(CommandError) -> Value where Value.RawValue == String {
    let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
    let text = try word("one of \(known)")
    guard let value = Value(rawValue: text) else {
      throw CommandError("\(command) \(text): the \(what) is one of \(known)")
    }
    return value
  }

  mutating func selection<Value>(
    _ expected: String, _ read: (String) -> Value?
  ) throws(CommandError) -> Selection<Value> {
    switch try word("next, previous or \(expected)") {
    case "next": return .next
    case "previous": return .previous
    case let text:
      guard let value = read(text) else {
        throw CommandError("\(command) \(text): expected next, previous or \(expected)")
      }
      return .one(value)
    }
  }

  mutating func zoom() throws(CommandError) -> Zoom {
    switch try word("in, out, fit, values, or weights a pixel") {
    case "in": return .closer
    case "out": return .wider
    case "fit": return .fit
    case "values": return .values
    case let text:
      guard let scale = Int(text), (1...1 << 20).contains(scale) else {
        throw CommandError("zoom \(text): expected in, out, fit, values, or weights a pixel")
      }
      return .scale(scale)
    }
  }

  mutating func pan() throws(CommandError) -> Pan {
    let first = try word("up, down, left, right, or a row and a column")
    if let direction = Direction(rawValue: first) { return .step(direction) }
    guard let row = Int(first), row >= 0, row < 1 << 40 else {
      throw CommandError("pan \(first): expected up, down, left, right, or a row and a column")
    }
    return .to(row: row, column: max(0, try integer("a column")))
  }

  mutating func axis() throws(CommandError) -> Knob? {
    let text = try word("auto or what varies: sparsity, lambda, tokens, threads")
    if text == "auto" { return nil }
    guard let knob = Knob(rawValue: text), SweepGrid.axes.contains(knob) else {
      throw CommandError(
        "axis \(text): expected auto, " + SweepGrid.axes.map(\.rawValue).joined(separator: ", "))
    }
    return knob
  }

  mutating func grid() throws(CommandError) -> MaskGrid {
    switch try word("blocks, off, or the rows of a head") {
    case "blocks": return .blocks
    case "off": return .off
    case let text:
      guard let size = Int(text), (1...1 << 20).contains(size) else {
        throw CommandError("grid \(text): expected blocks, off, or the rows of a head, such as 64")
      }
      return .heads(size)
    }
  }

  /// `name=value,…` words.
  mutating func terms() throws(CommandError) -> [SweepTerm] {
    var terms: [SweepTerm] = []
    while let word = next() {
      let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let values = halves.last?.split(separator: ",").map(String.init) ?? []
      guard halves.count == 2, !halves[0].isEmpty, !values.isEmpty else {
        throw CommandError(
          "sweep \(word): expected name=value,… such as pattern=1x1,32x1 sparsity=0.5,0.8,0.9")
      }
      terms.append(SweepTerm(String(halves[0]), values))
    }
    return terms
  }

  /// `name=value` words of a training.
  mutating func trainingTerms() throws(CommandError) -> [TrainingTerm] {
    var terms: [TrainingTerm] = []
    while let word = next() {
      let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, !halves[1].isEmpty,
        let knob = TrainingKnob(rawValue: String(halves[0]))
      else {
        throw CommandError(
          "train \(word): expected name=value such as pattern=8x1 sparsity=0.8 minutes=1; the names "
            + "are " + TrainingKnob.allCases.map(\.rawValue).joined(separator: ", "))
      }
      terms.append(TrainingTerm(knob, String(halves[1])))
    }
    return terms
  }

  /// What a running training is steered to.
  mutating func steer() throws(CommandError) -> TrainingSteer {
    let name = try word("lambda, rate or sparsity and its new value, or pause, resume, stop")
    if name == "pause" { return .pause }
    if name == "resume" { return .resume }
    if name == "stop" { return .stop }
    let value = try number("a number")
    switch name {
    case "lambda" where (0...1).contains(value): return .lambda(value)
    case "sparsity" where (0...1).contains(value): return .sparsity(value)
    case "rate" where value > 0 && value <= 1: return .learningRate(value)
    case "lambda", "sparsity", "rate":
      throw CommandError(
        "steer \(name) \(NumberText.shortest(value)): expected a number from 0 to 1")
    default:
      throw CommandError(
        "steer \(name): expected lambda, rate or sparsity and its new value, or stop")
    }
  }

  func end() throws(CommandError) {
    guard let extra = words.first else { return }
    throw CommandError(
      "\(command): '\(extra)' is more than it takes; put \" around text with blanks")
  }
}
