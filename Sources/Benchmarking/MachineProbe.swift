public import Experiments
internal import Glibc

/// Reads what the system says about the machine. `root` is `/`, or a test's directory.
///
/// What cannot be read is nil or 0, never a guess; nothing here fails.
public struct MachineProbe: Sendable {
  private let root: String

  public init(root: String = "/") { self.root = root.hasSuffix("/") ? root : root + "/" }

  /// The machine as it is now.
  ///
  /// - Parameters:
  ///   - isa: the instruction set that the kernels use.
  ///   - ceilings: measured peaks, where there are any.
  public func describe(isa: String, ceilings: MachineCeilings? = nil) -> MachineInfo {
    let processor = text("proc/cpuinfo") ?? ""
    let model = field("model name", in: processor) ?? armModel(processor)
    let caches = dataCaches()
    return MachineInfo(
      hostID: Self.hash([
        model ?? "", caches.map(String.init).joined(separator: "/"),
        line("proc/sys/kernel/hostname") ?? "",
      ]),
      cpuModel: model ?? "unknown", isa: isa, cores: usableProcessors,
      threadsPerCore: list(line("sys/devices/system/cpu/cpu0/topology/thread_siblings_list")) ?? 1,
      l1Bytes: caches[0], l2Bytes: caches[1], l3Bytes: caches[2], memoryBytes: memory,
      governor: line("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), quota: quota,
      loadAverage: load, kernelRelease: line("proc/sys/kernel/osrelease") ?? "unknown",
      virtualMachine: isVirtual(processor), ceilings: ceilings)
  }

  /// One-minute load average.
  public var load: Double? {
    line("proc/loadavg").flatMap { $0.split(separator: " ").first }.flatMap { Double($0) }
  }

  /// FNV-1a, 64 bits, as twelve hexadecimal digits: stable across versions and machines.
  static func hash(_ parts: [String]) -> String {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in parts.joined(separator: "\n").utf8 {
      state = (state ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    let digits = String(state, radix: 16)
    return String((String(repeating: "0", count: 16 - digits.count) + digits).prefix(12))
  }

  /// Processors this process may run on.
  private var usableProcessors: Int {
    list(text("proc/self/status").flatMap { field("Cpus_allowed_list", in: $0) })
      ?? list(line("sys/devices/system/cpu/online")) ?? 1
  }

  private var memory: Int {
    guard let text = text("proc/meminfo"), let value = field("MemTotal", in: text),
      let kibibytes = value.split(separator: " ").first.flatMap({ Int($0) })
    else { return 0 }
    return kibibytes * 1024
  }

  /// Bytes of the first processor's data caches of level 1, 2, 3.
  private func dataCaches() -> [Int] {
    var sizes = [0, 0, 0]
    for index in 0..<8 {
      let folder = "sys/devices/system/cpu/cpu0/cache/index\(index)/"
      guard let type = line(folder + "type"), type != "Instruction",
        let level = line(folder + "level").flatMap({ Int($0) }), (1...3).contains(level),
        let bytes = line(folder + "size").flatMap(Self.bytes)
      else { continue }
      sizes[level - 1] = bytes
    }
    if root == "/" {
      // Some virtual machines have no cache folders; the C library asks the processor itself.
      let names = [_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE]
      for (level, name) in names.enumerated() where sizes[level] == 0 {
        sizes[level] = max(0, sysconf(Int32(name)))
      }
    }
    return sizes
  }

  /// `48K`, `1024K`, `32M` in bytes.
  static func bytes(_ text: String) -> Int? {
    let digits = text.prefix { $0.isNumber }
    guard let count = Int(digits) else { return nil }
    switch text.dropFirst(digits.count) {
    case "": return count
    case "K": return count << 10
    case "M": return count << 20
    case "G": return count << 30
    default: return nil
    }
  }

  /// Processors that the control groups above this process allow; nil without a limit.
  private var quota: Double? {
    let groups = (text("proc/self/cgroup") ?? "").split(separator: "\n")
    var tightest: Double?
    for group in groups {
      let parts = group.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isUnified = parts[0] == "0"
      guard isUnified || parts[1].split(separator: ",").contains("cpu") else { continue }
      let base = "sys/fs/cgroup" + (isUnified ? "" : "/cpu")
      var path = parts[2].hasSuffix("/") ? parts[2].dropLast() : parts[2]
      while true {
        let found =
          isUnified
          ? limit(line("\(base)\(path)/cpu.max"), period: nil)
          : limit(
            line("\(base)\(path)/cpu.cfs_quota_us"),
            period: line("\(base)\(path)/cpu.cfs_period_us"))
        if let found { tightest = min(tightest ?? found, found) }
        guard let slash = path.lastIndex(of: "/") else { break }
        path = path[..<slash]
      }
    }
    return tightest
  }

  /// `max 100000` and `-1` are no limit.
  private func limit(_ quota: String?, period: String?) -> Double? {
    let parts = (quota ?? "").split(separator: " ")
    guard let allowed = parts.first.flatMap({ Double($0) }), allowed > 0,
      let period = (parts.count > 1 ? Double(parts[1]) : period.flatMap { Double($0) }), period > 0
    else { return nil }
    return allowed / period
  }

  private func isVirtual(_ processor: String) -> Bool {
    let flags = field("flags", in: processor)?.split(separator: " ") ?? []
    return flags.contains("hypervisor") || line("sys/hypervisor/type") != nil
  }

  private func armModel(_ processor: String) -> String? {
    line("proc/device-tree/model")
      ?? field("CPU part", in: processor).map { part in
        "arm64 implementer \(field("CPU implementer", in: processor) ?? "?") part \(part)"
      }
  }

  /// How many numbers a list such as `0-3,8` names.
  private func list(_ text: String?) -> Int? {
    guard let text else { return nil }
    var count = 0
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let low = ends.first, let high = ends.last, high >= low else { return nil }
      count += high - low + 1
    }
    return count > 0 ? count : nil
  }

  private func field(_ name: String, in text: String) -> String? {
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":"), trimmed(line[..<colon]) == name else { continue }
      return trimmed(line[line.index(after: colon)...])
    }
    return nil
  }

  private func line(_ path: String) -> String? {
    guard let first = text(path)?.split(separator: "\n").first else { return nil }
    let value = trimmed(first[...])
    return value.isEmpty ? nil : value
  }

  private func trimmed(_ text: Substring) -> String {
    var text = text
    while let last = text.unicodeScalars.last, last.value <= 32 {
      text.unicodeScalars.removeLast()
    }
    return String(text.drop { $0 == " " || $0 == "\t" })
  }

  /// At most 256 KiB of a file; nil where there is none or it is no UTF-8.
  private func text(_ path: String) -> String? {
    let file = open(root + path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while bytes.count < 1 << 18 {
      let count = read(file, &chunk, chunk.count)
      guard count > 0 else { break }
      bytes += chunk[..<count]
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
