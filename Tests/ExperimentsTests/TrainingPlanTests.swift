import Experiments
import Testing

@Suite struct TrainingPlanTests {
  static let texts: [(TrainingKnob, String)] = [
    (.layers, "ffn"), (.pattern, "tw64"), (.sparsity, "0.85"), (.method, "gradual"),
    (.minutes, "2.5"), (.steps, "300"), (.rate, "0.002"), (.rate, "auto"), (.dense, "on"),
    (.hidden, "0.5"), (.tokens, "512"), (.criterion, "magnitude"), (.ramp, "0.4"),
    (.warmUp, "0.1"), (.clip, "2"), (.every, "25"), (.every, "auto"), (.seed, "7"),
    (.threads, "2"), (.text, "my text.txt"), (.out, "o.safetensors"),
  ]

  @Test(arguments: texts) func textReadsBack(_ knob: TrainingKnob, _ text: String) throws {
    var plan = TrainingPlan()
    // A fixed mask has no ramp; what a method does not look at is not written.
    if knob == .ramp { plan.method = .gradual }
    try plan.set(knob, to: text)
    #expect(plan.text(of: knob) == text)
    var again = TrainingPlan()
    for term in plan.terms { try again.set(term.knob, to: term.value) }
    #expect(again == plan)
  }

  @Test func termsOfAPlanDoNotDependOnWhatTheyAreLaidOver() throws {
    var plan = TrainingPlan()
    try plan.set(.method, to: "prox")
    try plan.set(.regularizer, to: "reweighted-group-lasso")
    try plan.set(.lambda, to: "0.3")
    try plan.set(.cap, to: "0.05")
    var other = TrainingPlan()
    for (knob, text) in Self.texts { try other.set(knob, to: text) }
    for term in plan.terms { try other.set(term.knob, to: term.value) }
    #expect(other == plan)
    #expect(other.problem == nil)
  }

  @Test func sparsityAndLambdaTakeTheMaskFromEachOther() throws {
    var plan = TrainingPlan()
    try plan.set(.lambda, to: "0.2")
    #expect(plan.sparsity == nil && plan.requestedSparsity == nil)
    #expect(plan.problem?.contains("method=prox") == true)
    try plan.set(.sparsity, to: "0.9")
    #expect(plan.lambda == nil && plan.requestedSparsity == 0.9)
    try plan.set(.pattern, to: "2:4")
    #expect(plan.requestedSparsity == 0.5)
    try plan.set(.method, to: "prox")
    #expect(plan.problem?.contains("no units") == true)
  }

  @Test func stepsAndMinutesTakeTheEndFromEachOther() throws {
    var plan = TrainingPlan()
    try plan.set(.steps, to: "300")
    #expect(plan.minutes == nil)
    try plan.set(.minutes, to: "5")
    #expect(plan.steps == nil)
  }

  @Test func learningRateFollowsTheRule() throws {
    var plan = TrainingPlan()
    #expect(plan.effectiveLearningRate == 4e-3)
    plan.sparsity = 0.5
    #expect(plan.effectiveLearningRate == 2e-3)
    plan.trainsDense = true
    #expect(plan.effectiveLearningRate == 1e-3)
    plan.learningRate = 5e-4
    #expect(plan.effectiveLearningRate == 5e-4)
  }

  @Test(arguments: [
    (TrainingKnob.minutes, "-1"), (.minutes, "nan"), (.steps, "0"), (.steps, "1.5"), (.rate, "2"),
    (.rate, "fast"), (.tokens, "0"), (.clip, "0"), (.cap, "0"), (.ramp, "1.1"), (.layers, "head"),
    (.dense, "maybe"), (.sparsity, "1.2"), (.pattern, "0x1"), (.every, "-3"),
  ])
  func whatItDoesNotTakeSaysWhatItTakes(_ knob: TrainingKnob, _ text: String) {
    var plan = TrainingPlan()
    let error = #expect(throws: KnobError.self) { try plan.set(knob, to: text) }
    #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
    #expect(plan == TrainingPlan())
  }

  @Test func picturesReadBackAndTakeOneLetterATile() throws {
    var random = SystemRandomNumberGenerator()
    let kept = (0..<144).map { _ in Double.random(in: 0...1, using: &random) }
    let died = (0..<144).map { $0 == 7 ? 0.0001 : 0 }
    let picture = TrainingLayerPicture(name: "a", rows: 12, columns: 12, kept: kept, died: died)
    #expect(picture.died[7] == 1)
    let text = try JSONText.encode(picture)
    #expect(text.utf8.count < 2 * 144 + 60)
    #expect(try JSONText.decode(TrainingLayerPicture.self, from: text) == picture)
    for (level, share) in zip(picture.kept, kept) {
      #expect(abs(Double(level) / 63 - share) <= 0.5 / 63 + 1e-12)
    }
  }

  @Test(arguments: [
    #"{"name":"a","rows":2,"columns":2,"kept":"AAA"}"#,
    #"{"name":"a","rows":1,"columns":2,"kept":"A!"}"#,
    #"{"name":"a","rows":-1,"columns":2,"kept":""}"#,
    #"{"name":"a","rows":99999999,"columns":99999999999,"kept":""}"#,
    #"{"name":"a","rows":1,"columns":2,"kept":"AA","died":"A"}"#,
  ])
  func damagedPictureIsRefused(_ text: String) {
    #expect(throws: JSONTextError.self) {
      try JSONText.decode(TrainingLayerPicture.self, from: text)
    }
  }
}
