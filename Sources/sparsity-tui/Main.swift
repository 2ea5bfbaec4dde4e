import ArgumentParser
import Experiments
import Glibc

/// The program's entry: parses, runs, and turns every error into one sentence and an exit status.
@main
enum Main {
  static func main() {
    // A reader that goes away (`| head`) is an error of the write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    // So is a file that may not grow any more.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try SparsityTUI.parseAsRoot()
      try command.run()
      leave(.done)
    } catch let failure as Failure {
      standardError("sparsity-tui: \(failure.message)\n")
      leave(failure.status)
    } catch {
      let status = SparsityTUI.exitCode(for: error)
      let message = SparsityTUI.fullMessage(for: error)
      guard status != .success else {
        print(message)
        leave(.done)
      }
      if !message.isEmpty { standardError(message + "\n") }
      leave(status == .validationFailure ? .usage : .failed)
    }
  }

  /// Ends the process without running the libraries' exit handlers: a worker may still be inside one of
  /// them, in the middle of a product, while they take their data apart.
  private static func leave(_ status: ExitStatus) -> Never {
    fflush(nil)
    _exit(status.rawValue)
  }
}

/// Ends the process at once, with everything that was printed.
///
/// Workers may still be multiplying, and the clean-up that `exit` runs could take a library from
/// under them. One quit in about ninety, on a busy machine, ended in a segmentation fault before.
func leave(_ status: ExitStatus) -> Never {
  fflush(nil)
  _exit(status.rawValue)
}

/// What the process tells its caller.
enum ExitStatus: Int32 {
  case done = 0
  /// Something failed: a cell, a write.
  case failed = 1
  /// Usage, and a file that exists without `--force` or `--resume`.
  case usage = 2
  /// A verification or a re-measurement differs.
  case differs = 3
  /// Input that cannot be read.
  case unreadable = 4
  /// Interrupted; what was finished is kept.
  case interrupted = 130
}

/// An end of the program other than success: what went wrong and what to do, and the status.
struct Failure: Error {
  let status: ExitStatus
  let message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }
}

/// Writes to standard error without buffering.
func standardError(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

struct SparsityTUI: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sparsity-tui",
    abstract: "See what pruning a layer costs, and what it really gains on this machine.",
    discussion: """
      Opens a model's weights, prunes them in a pattern, shows the mask, and times that very mask \
      against the best dense kernel here: a ratio with a 95 % interval and a verdict.

        sparsity-tui                               explore the built-in model
        sparsity-tui model.safetensors             explore your own
        sparsity-tui measure --pattern 8x1 --sparsity 0.9
        sparsity-tui sweep --patterns 1x1,8x1,32x1,2:4 --sparsity 0.5:0.9:0.1 --csv out.csv

      A speedup is always measured time of the best dense kernel over measured time of the sparse \
      one. Quality figures are proxies, each under its own name.

      Exit status: 0 done, 1 something failed, 2 usage or a file that exists, 3 a verification or \
      re-measurement differs, 4 unreadable input, 130 interrupted (what was finished is kept).
      """,
    version: toolVersion,
    subcommands: [
      ExploreCommand.self, InspectCommand.self, MeasureCommand.self, SweepCommand.self,
      MergeCommand.self, PruneCommand.self, VerifyCommand.self, ProxiesCommand.self,
      SensitivityCommand.self, PathCommand.self, EncodeCommand.self, TrainCommand.self,
      ReplayCommand.self, BenchCommand.self, DoctorCommand.self, ManualCommand.self,
      GradientsCommand.self,
    ],
    defaultSubcommand: ExploreCommand.self)
}
