import Glibc

/// Where the program finds its data and keeps its state, by the XDG base directory rules.
enum Paths {
  /// `$NAME`, or nil when unset or empty.
  static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }

  private static func base(_ variable: String, _ fallback: String) -> String {
    // The rules say that a relative path is to be ignored.
    if let value = environment(variable), value.hasPrefix("/") { return value + "/sparsity-tui" }
    return (environment("HOME") ?? "/tmp") + "/" + fallback + "/sparsity-tui"
  }

  /// Sessions and measured ceilings.
  static var state: String { base("XDG_STATE_HOME", ".local/state") }
  /// Read, never written.
  static var configuration: String { base("XDG_CONFIG_HOME", ".config") }
  /// Fetched models and Gram matrices.
  static var cache: String { base("XDG_CACHE_HOME", ".cache") }

  /// The running program, symbolic links resolved.
  static var executable: String {
    guard let resolved = realpath("/proc/self/exe", nil) else { return CommandLine.arguments[0] }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The directory with the built-in model: named by `SPARSITY_TUI_DATA`, installed beside the
  /// program (`../share/sparsity-tui`), or `data/` of the checkout it was built in.
  static let data: String? = {
    func holdsModel(_ directory: String) -> Bool {
      access(directory + "/demo.safetensors", R_OK) == 0
    }
    if let named = environment("SPARSITY_TUI_DATA") { return named }
    var directory = parent(of: executable)
    let installed = parent(of: directory) + "/share/sparsity-tui"
    if holdsModel(installed) { return installed }
    while directory.count > 1 {
      if holdsModel(directory + "/data") { return directory + "/data" }
      directory = parent(of: directory)
    }
    return nil
  }()

  /// The revision that was built: a line the build leaves beside the program or with its installed
  /// data; nil where it did not.
  static let revision: String? = {
    let directory = parent(of: executable)
    for path in [directory + "/revision", parent(of: directory) + "/share/sparsity-tui/revision"] {
      guard let bytes = try? InputFile.read(path, limit: 256) else { continue }
      let line = bytes.prefix { $0 > 32 && $0 < 127 }
      if !line.isEmpty { return String(decoding: line, as: UTF8.self) }
    }
    return nil
  }()

  /// Everything before the last slash; `/` for what stands at the root.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  /// Makes `directory` and what leads to it, for this user only.
  static func make(_ directory: String) throws {
    var partial = ""
    for part in directory.split(separator: "/") {
      partial += "/" + part
      if mkdir(partial, 0o700) != 0, errno != EEXIST {
        throw Failure(
          .failed,
          "\(directory): cannot make \(partial): \(String(cString: strerror(errno))); "
            + "set XDG_STATE_HOME to a directory you can write to")
      }
    }
  }
}
