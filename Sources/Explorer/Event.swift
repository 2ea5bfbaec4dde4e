public import Experiments

/// What happens to the program: all that `update` ever learns of the world.
public enum Event: Hashable, Sendable {
  case command(Command)
  /// The laboratory answers a request; `run` tells which one.
  case answer(Answer, run: RunID)
  /// A result that a session recorded, in place of the laboratory's answer.
  case recorded(RecordedResult)
  case resized(width: Int, height: Int)
  /// The time that `Effect.after` asked for is over.
  case elapsed(TimerToken)
  /// Rows of a results file that `Effect.load` asked for.
  case loaded(path: String, rows: [ResultRow])
  /// A file was written: what kind of file, and where.
  case wrote(WrittenFile, path: String)
  /// Something outside went wrong; what it was and what to do.
  case problem(String)
  /// The laboratory noticed something besides its answers, such as a damaged cache.
  case notice(String)
}

public enum WrittenFile: Hashable, Sendable { case session, export }

/// What a timer was for; a token that is no longer current is ignored.
public enum TimerToken: Hashable, Sendable {
  /// The knobs have been still since turn number `turn`.
  case settled(turn: Int)
  /// The zoom and pan have been still since step number `step`.
  case viewed(step: Int)
  /// What died in picture number `picture` of a training has flashed.
  case flashed(picture: Int)
  /// A message has been read for long enough.
  case message(number: Int)
}
