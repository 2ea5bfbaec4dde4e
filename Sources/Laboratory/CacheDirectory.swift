internal import Glibc

/// A directory of files that can all be worked out again, kept below a number of bytes.
struct CacheDirectory: Sendable {
  let path: String
  let capacity: Int

  func file(_ name: String) -> String { path + "/" + name }

  /// Makes the directory and what leads to it, for this user only; whether it can be written to.
  func make() -> Bool {
    var partial = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      partial += "/" + part
      if mkdir(partial, 0o700) != 0, errno != EEXIST { return false }
    }
    return access(path, W_OK) == 0
  }

  /// Marks a file as used now, so that it is among the last to go.
  func touch(_ name: String) { utimes(file(name), nil) }

  /// Removes the files that were not used for the longest time until all of them fit, `name` excepted.
  func trim(keeping name: String) {
    guard let directory = opendir(path) else { return }
    defer { closedir(directory) }
    var files: [(name: String, bytes: Int, used: Double)] = []
    while let entry = readdir(directory) {
      let found = withUnsafePointer(to: &entry.pointee.d_name) {
        String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
      }
      var status = stat()
      guard stat(file(found), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      let used = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
      files.append((found, Int(status.st_size), used))
    }
    var total = files.reduce(0) { $0 + $1.bytes }
    for old in files.sorted(by: { ($0.used, $0.name) < ($1.used, $1.name) })
    where total > capacity && old.name != name {
      if unlink(file(old.name)) == 0 { total -= old.bytes }
    }
  }
}
