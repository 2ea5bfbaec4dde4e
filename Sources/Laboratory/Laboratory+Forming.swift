internal import Benchmarking
internal import Experiments
internal import Pruning
internal import Synchronization

extension Laboratory {
  /// What passes a solver's iterates on to the screen: not more often than it draws, and not for more
  /// than a fifth of the solver's time. Short solutions show their end alone.
  func formingWatch(
    _ tensor: String, _ knobs: Knobs, _ cancellation: Cancellation, run: RunID
  ) -> (() -> PruningIterate) -> Bool {
    let clock = MonotonicClock()
    var next = clock.now() + 2 * Self.frameNs
    return { iterate in
      if cancellation.isCancelled { return false }
      let start = clock.now()
      guard start >= next else { return true }
      let state = iterate()
      // Under a global threshold the other tensors come by too.
      guard state.summary.tensor == tensor else { return true }
      let forming = self.forming(state, of: tensor, knobs)
      if !cancellation.isCancelled { self.send(.forming(forming), run) }
      let end = clock.now()
      next = end + max(Self.frameNs, 4 * (end - start))
      return !cancellation.isCancelled
    }
  }

  private static let frameNs: UInt64 = 33_000_000

  /// An iterate in the windows that the screen asked for last.
  private func forming(
    _ iterate: PruningIterate, of tensor: String, _ knobs: Knobs
  ) -> FormingMask {
    var forming = FormingMask(summary: iterate.summary)
    guard let mask = iterate.mask, let layer = try? workbench.layer(tensor) else { return forming }
    for request in windows.withLock({ [$0.original, $0.reordered] }) {
      guard
        case .picture(tensor, let shown, let viewport, let rows, let columns, let reordered) =
          request, shown.pruningPart == knobs.pruningPart
      else { continue }
      let picture = layer.painter.picture(
        mask: mask, viewport: viewport, pixelRows: rows, pixelColumns: columns,
        rowOrder: reordered ? iterate.rowOrder : nil,
        columnOrder: reordered ? iterate.columnOrder : nil)
      if reordered { forming.reordered = picture } else { forming.picture = picture }
    }
    return forming
  }
}

/// The pictures that were asked for last: what the screen shows.
struct ShownWindows: Sendable {
  var original: Request?
  var reordered: Request?
}
