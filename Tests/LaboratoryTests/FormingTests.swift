import Experiments
import Testing

@testable import Laboratory

/// Iterates reach the screen as pictures, and a solver can be stopped at any of them.
@Suite(.serialized) struct FormingTests {
  private static let tensor = "encoder.layer.0.intermediate.dense.weight"
  private static let view = Viewport(row: 0, column: 0, rows: 1536, columns: 384)

  /// The longest there is: three rounds of a bisection.
  private static func slow() throws -> Knobs {
    var slow = try knobs("8x1", 0.8)
    slow.regularizer = .reweightedGroupLasso
    slow.solve = .reconstruct
    return slow
  }

  private static func started(_ answers: Answers, _ requests: Request...) throws -> Laboratory {
    let laboratory = LaboratoryTests.laboratory(answers)
    _ = try laboratory.perform(.open(path: nil))
    for (index, request) in requests.enumerated() { laboratory.submit(request, run: index + 1) }
    return laboratory
  }

  private static func picture(_ knobs: Knobs) -> Request {
    .picture(
      tensor: tensor, knobs: knobs.pruningPart, viewport: view, pixelRows: 48, pixelColumns: 96,
      reordered: false)
  }

  @Test func iteratesComeAsPicturesOfWhatIsShown() throws {
    let answers = Answers()
    let knobs = try Self.slow()
    let laboratory = try Self.started(
      answers, .prune(tensor: Self.tensor, knobs: knobs), Self.picture(knobs))
    defer { laboratory.close() }
    #expect(answers.wait(for: 2) { if case .picture = $0 { true } else { false } } != nil)
    let forming = answers.all(of: 1).compactMap { answer -> FormingMask? in
      if case .forming(let mask) = answer { mask } else { nil }
    }
    #expect(!forming.isEmpty)
    for mask in forming {
      #expect(mask.summary.tensor == Self.tensor)
      guard let picture = mask.picture else { continue }
      #expect(picture.viewport == Self.view)
      #expect(picture.pixelRows == 48 && picture.pixelColumns == 96)
      // The picture is of the mask that the summary counts: pixels are equally large.
      let kept = picture.density.reduce(0.0) { $0 + Double($1) / 255 }
      let share = kept / Double(picture.density.count)
      #expect(abs(share - (1 - mask.summary.achievedSparsity)) < 0.02)
    }
    #expect(forming.contains { $0.picture != nil })
    #expect(Set(forming.compactMap(\.summary.solver?.iterations)).count == forming.count)
  }

  @Test func cancelledAtAnIterateItAnswersNoMore() throws {
    let answers = Answers()
    let laboratory = try Self.started(
      answers, .prune(tensor: Self.tensor, knobs: try Self.slow()))
    defer { laboratory.close() }
    #expect(answers.wait(for: 1) { if case .forming = $0 { true } else { false } } != nil)
    laboratory.cancel(1)
    // The same thread answers what comes next, so the solver has ended by then.
    laboratory.submit(.weight(tensor: query, knobs: Knobs(), row: 0, column: 0), run: 2)
    #expect(answers.wait(for: 2) { if case .weight = $0 { true } else { false } } != nil)
    #expect(!answers.all(of: 1).contains { if case .pruned = $0 { true } else { false } })
  }

  @Test func pathShowsItsMasksAndEndsBetweenThem() throws {
    let answers = Answers()
    var knobs = try Self.slow()
    knobs.amount = .lambda(0.3)
    let laboratory = try Self.started(
      answers, Self.picture(knobs), .path(tensor: Self.tensor, knobs: knobs))
    defer { laboratory.close() }
    let first = answers.wait(for: 2) { if case .forming = $0 { true } else { false } }
    guard case .forming(let mask) = first else {
      Issue.record("no mask of the path came")
      return
    }
    #expect(mask.summary.lambda != nil)
    laboratory.cancel(2)
    laboratory.submit(.describeMachine, run: 3)
    #expect(answers.wait(for: 3) { if case .machine = $0 { true } else { false } } != nil)
    let ended = answers.all(of: 2).contains {
      if case .path(let path) = $0 { path.isFinal } else { false }
    }
    #expect(!ended)
  }
}
