import CellUI
import Glibc
import Synchronization
import Terminal

/// Shows every event and a coloured line; does on request what a program may do to its terminal.
@main struct TerminalProbe {
  static func main() {
    var options = Terminal.Options()
    options.ascii = CommandLine.arguments.contains("--ascii")
    options.colors = !CommandLine.arguments.contains("--no-color")
    options.mouse = !CommandLine.arguments.contains("--no-mouse")
    do {
      try run(options)
    } catch {
      complain("\(error)\n")
      exit(4)
    }
  }

  static func run(_ options: Terminal.Options) throws(TerminalError) {
    let wakeup = Wakeup()
    let mailbox = Mailbox<Int>(wakeup: wakeup)
    var terminal = try Terminal(options: options, wakeup: wakeup)
    var (width, height) = terminal.size
    var lines: [String] = []
    while true {
      var frame = Frame(width: width, height: height)
      frame.put("\(width)x\(height) \(terminal.depth) \(terminal.glyphs)", x: 0, y: 0)
      frame.put("│模型│é▀⣿│", x: 0, y: 1, style: Style(.indexed(160), on: .indexed(17), .bold))
      for (row, line) in lines.suffix(max(0, height - 2)).enumerated() {
        frame.put(line, x: 0, y: row + 2, maxWidth: width)
      }
      terminal.present(frame)
      let events = terminal.events()
      lines += mailbox.drain().map { "message \($0)" }
      for event in events {
        lines.append(describe(event))
        switch event {
        case .resize(let newWidth, let newHeight): (width, height) = (newWidth, newHeight)
        case .terminate: return
        case .key(.character("q")): return
        case .key(.character("f")): fatalError("as asked")
        case .key(.character("o")): lines.append("\(overflow(1))")
        case .key(.character("e")): complain("said on standard error\n")
        case .key(.character("c")): lines.append("copied \(terminal.copy("Grüße"))")
        case .key(.character("n")): lines.append("frames \(terminal.framesSent)")
        case .key(.character("w")): startThread { for number in 1...3 { mailbox.post(number) } }
        case .key(.character("x")): lines = []
        default: break
        }
      }
    }
  }

  static func describe(_ event: InputEvent) -> String {
    switch event {
    case .key(let key): "key \(key)"
    case .mouse(let mouse): "mouse \(mouse.action) \(mouse.x),\(mouse.y)"
    case .paste(let text): "paste \(text.debugDescription)"
    case .resize(let width, let height): "resize \(width)x\(height)"
    case .resumed: "resumed"
    case .terminate(let signal): "terminate \(signal)"
    }
  }

  static func complain(_ text: String) {
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }

  /// Each call keeps a kilobyte, so that the stack ends after a few thousand.
  static func overflow(_ depth: Int) -> Int {
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { bytes in
      bytes[depth % 1024] = 1
      return overflow(depth + 1) + Int(bytes[depth % 1024])
    }
  }

  static func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
      let body: @Sendable () -> Void;
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Box(body)).toOpaque()
    pthread_create(
      &thread, nil,
      { raw in
        Unmanaged<Box>.fromOpaque(raw!).takeRetainedValue().body()
        return nil
      }, argument)
    pthread_detach(thread)
  }
}
