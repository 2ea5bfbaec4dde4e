public import Experiments

/// What `update` wants done: plain values that can be compared, printed and carried out by whoever
/// has files, threads and a clock.
public enum Effect: Hashable, Sendable {
  case request(Request, run: RunID)
  case cancel(RunID)
  /// Send `Event.elapsed(token)` after so long.
  case after(milliseconds: Int, TimerToken)
  /// Put a text on the clipboard.
  case copy(String)
  case export(path: String, Export)
  /// Save the session under this path.
  case save(path: String)
  /// Read a results file and send `Event.loaded`.
  case load(path: String)
  /// Append to the session, with the time of day that the writer knows.
  case record(SessionContent)
  /// Play the built-in tour.
  case playTutorial
  case quit
}

/// What an exported file holds; the ending of its name chooses the form.
public enum Export: Hashable, Sendable {
  /// Results: `.csv` or `.json`.
  case results([ResultRow])
  /// The frame as it stands: `.svg` or `.txt`.
  case frame
  /// Pruned weights: `.safetensors`, `.npz`, `.npy`. One entry a tensor that has a choice.
  case weights([SweepCell])
}
