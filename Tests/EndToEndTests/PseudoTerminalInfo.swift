import Foundation

/// Terminal descriptions made for the tests, so that what ncurses may send is known and small.
enum TestTerminfo {
  enum Name: String {
    case plain
    case plain8 = "plain-8color"
    case plain16 = "plain-16color"
    case plainMono = "plain-mono"
    case plainDirect = "plain-direct"
    case dumb = "plain-dumb"
    case unknown = "no-such-terminal"
  }

  private static let place = FileManager.default.temporaryDirectory
    .appending(path: "sparsity-tui-terminfo-\(getpid())")

  /// The directory that `tic` compiled them into, once per process; it goes when the process ends.
  static let directory = Result<URL, any Error> {
    let directory = place
    atexit { try? FileManager.default.removeItem(at: TestTerminfo.place) }
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let file = directory.appending(path: "plain.ti")
    try source.write(to: file, atomically: true, encoding: .utf8)
    let tic = try Process.run(
      URL(filePath: "/usr/bin/tic"), arguments: ["-x", "-o", directory.path, file.path])
    tic.waitUntilExit()
    guard tic.terminationStatus == 0 else { throw POSIXError(.EINVAL) }
    return directory
  }

  private static let source = #"""
    plain-mono|terminal of the end-to-end tests without colours,
      am, xenl, cols#80, lines#24, it#8,
      cup=\E[%i%p1%d;%p2%dH, clear=\E[H\E[2J, el=\E[K, ed=\E[J, cr=\r, bel=^G,
      sgr0=\E[m, bold=\E[1m, rev=\E[7m, smul=\E[4m, dim=\E[2m,
      smcup=\E[?1049h, rmcup=\E[?1049l, civis=\E[?25l, cnorm=\E[?25h,
      kcuu1=\EOA, kcud1=\EOB, kcuf1=\EOC, kcub1=\EOD, kbs=^?, kmous=\E[M,
      smkx=\E[?1h, rmkx=\E[?1l,
    plain|terminal of the end-to-end tests,
      bce, colors#256, pairs#0x10000, op=\E[39;49m,
      setaf=\E[38;5;%p1%dm, setab=\E[48;5;%p1%dm, use=plain-mono,
    plain-16color|the same with sixteen colours,
      colors#16, pairs#0x100, use=plain,
    plain-8color|the same with eight colours,
      colors#8, pairs#64, use=plain,
    plain-direct|the same with direct colours,
      RGB, colors#0x1000000, pairs#0x10000,
      setaf=\E[%?%p1%{8}%<%t3%p1%d%e38;2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%d%;m,
      setab=\E[%?%p1%{8}%<%t4%p1%d%e48;2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%d%;m,
      use=plain,
    plain-dumb|a terminal that cannot place its cursor,
      am, cols#80, cr=\r, ind=\n,

    """#
}
