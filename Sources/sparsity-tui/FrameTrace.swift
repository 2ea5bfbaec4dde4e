import Experiments
import Glibc

/// Writes the times of each frame to a file (`--trace`), one line a frame, so that latency can be
/// checked from outside: what caused it, microseconds spent in update, view and terminal, and the bytes
/// that the terminal got; `pending` is 1 where the frame still waits for its mask. `at_ms`, when the frame
/// was sent, is on the system's monotonic clock: who presses the keys can set its own times beside it.
final class FrameTrace {
  private let file: UnsafeMutablePointer<FILE>

  init(path: String) throws {
    guard let file = fopen(path, "wx") else {
      let status: ExitStatus = errno == EEXIST ? .usage : .failed
      throw Failure(status, "\(path): cannot write the trace: \(String(cString: strerror(errno)))")
    }
    self.file = file
    fputs("at_ms,cause,wait_us,update_us,view_us,present_us,latency_us,bytes,pending\n", file)
  }

  deinit { fclose(file) }

  /// Times are seconds on the monotonic clock; `woken` is when the cause arrived.
  func frame(
    cause: String, woken: Double, updated: Double, viewed: Double, presented: Double,
    update: Double, bytes: Int, isPending: Bool
  ) {
    func micro(_ seconds: Double) -> String { String(Int((seconds * 1e6).rounded())) }
    let fields = [
      NumberText.fixed(presented * 1e3, 2), cause,
      micro(max(0, updated - woken - update)), micro(update), micro(viewed - updated),
      micro(presented - viewed), micro(presented - woken), String(bytes), isPending ? "1" : "0",
    ]
    fputs(fields.joined(separator: ",") + "\n", file)
    fflush(file)
  }
}
