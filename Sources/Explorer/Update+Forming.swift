internal import CellUI
public import Experiments

extension State {
  /// Whether a solver works on the mask that is looked at and has shown an iterate of it.
  var isSolving: Bool {
    mask.forming?.job == .prune && mask.forming?.isStopped == false && runs.current(.prune) != nil
  }

  /// Takes the mask that a solver or a path has by now: it stands in the mask's place until the answer.
  mutating func receive(_ forming: FormingMask, _ job: Job) {
    var forming = forming
    // A search that decides no mask leaves the one that was there.
    if forming.picture == nil { forming.picture = mask.forming?.mask.picture }
    if forming.reordered == nil { forming.reordered = mask.forming?.mask.reordered }
    if job == .prune { summary = .narrowing(forming.summary) }
    mask.forming = FormingState(mask: forming, job: job)
  }

  /// The mask no longer forms. After a solver its last iterate stays until the final picture comes; after
  /// a path the chosen mask is there again.
  mutating func endForming(_ job: Job) {
    guard let forming = mask.forming, forming.job == job else { return }
    if job == .prune {
      mask.picture = forming.mask.picture ?? mask.picture
      mask.reordered = forming.mask.reordered ?? mask.reordered
    }
    mask.forming = nil
  }

  /// Ends the solver where it stands. Its last iterate stays on the screen, as such: it is neither judged
  /// nor timed.
  mutating func stopSolving() -> [Effect] {
    let forming = mask.forming
    // The picture and the read-out would otherwise solve the same problem once more.
    let jobs: [Job] = [.prune, .picture, .reorderedPicture, .weight]
    let effects = jobs.flatMap { stop($0) }
    mask.forming = forming
    mask.forming?.isStopped = true
    mask.isDrawing = false
    mask.weight = .unknown
    quality = .unknown
    awaitsMask = false
    let place = forming.map { Wording.progress(of: $0.mask.summary) } ?? ""
    return effects
      + say("stopped\(place.isEmpty ? "" : " at \(place)"): not judged, not timed; r goes on")
  }
}

/// What is shown of a mask before it is final.
public struct FormingState: Hashable, Sendable {
  public var mask: FormingMask
  /// `prune`, or `path`, whose masks are not the chosen one.
  public var job: Job
  /// Whether the solver was stopped here.
  public var isStopped = false
}

extension Wording {
  /// How far a solver or a search is, in a few words; empty where it does not say.
  static func progress(of summary: PruningSummary) -> String {
    if let solver = summary.solver { return "iterate \(solver.iterations)" }
    // `sweep: 128 of 768 columns decided`
    if let remark = summary.remark,
      Solve.allCases.contains(where: { remark.hasPrefix($0.rawValue + ": ") })
    {
      return remark
    }
    if let reordering = summary.reordering {
      return "\(Figures.count(reordering.swaps)) swaps"
    }
    return ""
  }
}
