import Benchmarking
import Experiments
import FoundationEssentials
import Testing

@Suite struct MachineProbeTests {
  /// What a probe tells of a directory that looks like a machine's root.
  static func machine(
    _ files: [String: String], isa: String
  ) throws -> MachineInfo {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent(
      "machine-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
      let file = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    return MachineProbe(root: root.path).describe(isa: isa)
  }

  static let cache = "sys/devices/system/cpu/cpu0/cache/"
  static let files = [
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Fast CPU 9\nflags\t\t: fpu avx2 hypervisor\n",
    "proc/meminfo": "MemTotal:       16384 kB\nMemFree: 1 kB\n",
    "proc/loadavg": "1.50 0.44 0.21 2/117 13372\n",
    "proc/self/status": "Name:\tx\nCpus_allowed_list:\t0-3,6\n",
    "proc/self/cgroup": "0::/user/job\n",
    "proc/sys/kernel/osrelease": "6.1.0-test\n", "proc/sys/kernel/hostname": "host\n",
    "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/user/job/cpu.max": "max 100000\n",
    "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,4\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    cache + "index0/type": "Data\n", cache + "index0/level": "1\n",
    cache + "index0/size": "48K\n", cache + "index1/type": "Instruction\n",
    cache + "index1/level": "1\n", cache + "index1/size": "32K\n",
    cache + "index2/type": "Unified\n", cache + "index2/level": "2\n",
    cache + "index2/size": "1024K\n", cache + "index3/type": "Unified\n",
    cache + "index3/level": "3\n", cache + "index3/size": "32M\n",
  ]

  @Test func everyFieldIsReadFromTheSystemsFiles() throws {
    let info = try Self.machine(Self.files, isa: "avx2")
    #expect(info.cpuModel == "Fast CPU 9")
    #expect(info.cores == 5)
    #expect(info.threadsPerCore == 2)
    let caches: [Int] = [info.l1Bytes, info.l2Bytes, info.l3Bytes]
    #expect(caches == [48 << 10, 1 << 20, 32 << 20] as [Int])
    #expect(info.memoryBytes == 16384 * 1024)
    #expect(info.governor == "powersave")
    #expect(info.quota == 1.5)
    #expect(info.loadAverage == 1.5)
    #expect(info.kernelRelease == "6.1.0-test")
    #expect(info.virtualMachine)
    #expect(info.isa == "avx2")
    #expect(info.hostID.count == 12)
  }

  @Test func theOlderControlGroupsAreRead() throws {
    var files = Self.files
    files["proc/self/cgroup"] = "4:cpu,cpuacct:/box\n0::/\n"
    files["sys/fs/cgroup/cpu/box/cpu.cfs_quota_us"] = "50000\n"
    files["sys/fs/cgroup/cpu/box/cpu.cfs_period_us"] = "100000\n"
    files["sys/fs/cgroup/cpu/cpu.cfs_quota_us"] = "-1\n"
    files["sys/fs/cgroup/cpu/cpu.cfs_period_us"] = "100000\n"
    #expect(try Self.machine(files, isa: "avx2").quota == 0.5)
  }

  @Test func nothingToReadGivesUnknownsAndNoCrash() throws {
    let info = try Self.machine([:], isa: "portable")
    #expect(info.cpuModel == "unknown")
    #expect(info.cores == 1)
    #expect(info.governor == nil)
    #expect(info.quota == nil)
    #expect(info.loadAverage == nil)
    let caches: [Int] = [info.l1Bytes, info.l2Bytes, info.l3Bytes]
    #expect(caches == [0, 0, 0] as [Int])
  }

  @Test func theHostNameChangesTheIdentifierAndTheLoadDoesNot() throws {
    func identifier(_ change: [String: String]) throws -> String {
      let files = Self.files.merging(change) { $1 }
      return try Self.machine(files, isa: "avx2").hostID
    }
    let plain = try identifier([:])
    #expect(plain == (try identifier(["proc/loadavg": "0.00 0 0 1/1 1\n"])))
    #expect(plain != (try identifier(["proc/sys/kernel/hostname": "other\n"])))
  }

  @Test func thisMachineIsDescribed() {
    let info = MachineProbe().describe(isa: "avx2")
    #expect(info.cores >= 1)
    #expect(info.memoryBytes > 0)
    #expect(!info.cpuModel.isEmpty)
  }

  @Test func adviceNamesWhatIsWrongAndNothingElse() throws {
    var info = try Self.machine(Self.files, isa: "avx2")
    #expect(info.advice(threads: 1).count == 1)
    #expect(info.advice(threads: 1).first?.contains("powersave") == true)
    info.governor = "performance"
    #expect(info.advice(threads: 1).isEmpty)
    info.loadAverage = 4
    #expect(info.advice(threads: 1).first?.contains("4.00") == true)
    // What this program's own threads explain accuses nobody.
    #expect(info.isBusy(threads: 1) && info.isBusy(threads: 3) && !info.isBusy(threads: 4))
    info.loadAverage = 2.9
    #expect(!info.isBusy(threads: 1))
    info.loadAverage = 0
    #expect(info.advice(threads: 2).contains { $0.contains("1.50 processors") })
    #expect(info.advice(threads: 6).contains { $0.contains("6 threads on 5 processors") })
    #expect(info.remarks.count == 1)
  }

  @Test func quietnessIsJudgedByTheIntervalOfTheSameAgainstItself() throws {
    func quietness(_ scale: Double, noise amplitude: Double) throws -> Quietness {
      let clock = MockClock()
      var noise = Noise(seed: 1)
      var plan = PairedBenchmarkTests.plan()
      plan.maximumSeconds = 0.02
      let timing = try #require(
        PairedBenchmark(plan: plan, clock: clock).run(
          { clock.advance(1e5 * scale * (1 + amplitude * noise.gaussian())) },
          against: { clock.advance(1e5 * (1 + amplitude * noise.gaussian())) }))
      return Quietness(timing)
    }
    #expect(try quietness(1, noise: 0.001).isQuiet)
    #expect(try quietness(1, noise: 0.001).warning == nil)
    #expect(try !quietness(1.05, noise: 0.001).isQuiet)
    #expect(try !quietness(1, noise: 0.2).isQuiet)
    #expect(try quietness(1.05, noise: 0.001).warning?.contains("noisy") == true)
  }
}
