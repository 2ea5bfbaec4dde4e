import Experiments
import Foundation
import Testing

@testable import Laboratory

@Suite struct ResultsFileTests {
  static func row(_ pattern: String, status: String = "ok", note: String? = nil) -> ResultRow {
    var row = ResultRow()
    row[.tensor] = .text("weight")
    row[.pattern] = .text(pattern)
    row[.sparsityRequested] = .number(0.8)
    row[.hostID] = .text("host")
    row[.status] = .text(status)
    row[.note] = ResultCell(note)
    return row
  }

  static func meta(seed: UInt64 = 1, identity: String = "id") -> ResultsMeta {
    var plan = SweepPlan(tensors: ["weight"], base: Knobs())
    plan.base.seed = seed
    return ResultsMeta(
      started: "2026-11-21T12:00:00Z",
      machine: MachineInfo(
        hostID: "host", cpuModel: "cpu", isa: "avx2", cores: 2, threadsPerCore: 1, l1Bytes: 1,
        l2Bytes: 1, l3Bytes: 1, memoryBytes: 1, governor: nil, quota: nil, loadAverage: nil,
        kernelRelease: "6", virtualMachine: false),
      model: ResultsMeta.Model(path: "m", identity: identity, calibration: nil), plan: plan,
      shard: nil, timing: ResultsMeta.Timing(cellSeconds: 1, cellHalfWidth: 0.01), revision: nil)
  }

  static func error(_ body: () throws -> Void) -> ResultsFileError? {
    do {
      try body()
      return nil
    } catch { return error as? ResultsFileError }
  }

  @Test func rowsAreInTheFileBeforeAppendReturns() throws {
    let scratch = try ScratchDirectory()
    let file = try ResultsFile(
      creating: scratch.file("out.csv"), meta: Self.meta(), keepSamples: true)
    let rows = [Self.row("32x1"), Self.row("2:4", note: "a,b")]
    try file.append(rows[0], samples: [[100, 50], [101.5, 50.25]])
    var table = try ResultsCSV.parse(try scratch.bytes("out.csv"))
    #expect(table.rows == [rows[0]])
    try file.append(rows[1], samples: [[7, 8]])
    table = try ResultsCSV.parse(try scratch.bytes("out.csv"))
    #expect(table.rows == rows)
    let samples = String(decoding: try scratch.bytes("out.samples.csv"), as: UTF8.self)
      .split(separator: "\r\n")
    #expect(samples.count == 4)
    #expect(samples[0].hasPrefix("row,run_id,tensor,pattern,"))
    #expect(samples[2].hasPrefix("1,,weight,32x1,"))
    #expect(samples[2].hasSuffix(",2,101.5,50.25"))
    #expect(samples[3].hasPrefix("2,,weight,2:4,"))
    #expect(try ResultsMeta(contentsOf: scratch.file("out.meta.json")) == Self.meta())
  }

  @Test func whatExistsIsNeverOverwrittenSilently() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.file("out.csv")
    try scratch.write(Array("precious".utf8), "out.csv")
    let error = Self.error { _ = try ResultsFile(creating: path, meta: Self.meta()) }
    #expect(error == .exists(path))
    #expect(error?.isUsage == true)
    #expect(try scratch.bytes("out.csv") == Array("precious".utf8))
    #expect(Self.error { _ = try OpenText.read(scratch.file("out.meta.json")) } != nil)
    let file = try ResultsFile(creating: path, meta: Self.meta(), replacing: true)
    try file.append(Self.row("1x1"))
    #expect(try ResultsCSV.parse(try scratch.bytes("out.csv")).rows.count == 1)
  }

  @Test func twoWritersNeverShareAFile() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.file("out.csv")
    let file = try ResultsFile(creating: path, meta: Self.meta())
    #expect(
      Self.error { _ = try ResultsFile(resuming: path, meta: Self.meta()) } == .inUse(path))
    #expect(
      Self.error { _ = try ResultsFile(creating: path, meta: Self.meta(), replacing: true) }
        == .inUse(path))
    try file.append(Self.row("1x1"))
    #expect(try ResultsCSV.parse(try scratch.bytes("out.csv")).rows.count == 1)
  }

  /// A program that another thread is starting has a copy of every descriptor until it runs.
  @Test func aCopiedDescriptorDoesNotKeepTheFileLocked() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.file("out.csv")
    var copies: [Int32] = []
    defer { for copy in copies { close(copy) } }
    do {
      let file = try ResultsFile(creating: path, meta: Self.meta())
      try file.append(Self.row("1x1"))
      // The end of the name only: the directory for temporary files may be reached by a link.
      let end = "/" + path.split(separator: "/").suffix(2).joined(separator: "/")
      let manager = FileManager.default
      for name in try manager.contentsOfDirectory(atPath: "/proc/self/fd") {
        let target = try? manager.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)
        if target?.hasSuffix(end) == true, let found = Int32(name) { copies.append(dup(found)) }
      }
    }
    #expect(!copies.isEmpty)
    let again = try ResultsFile(resuming: path, meta: Self.meta())
    #expect(again.rows.count == 1)
  }

  /// A writer may be killed after any byte.
  @Test func everyTornFileIsResumedWithItsWholeRows() throws {
    let scratch = try ScratchDirectory()
    let rows = [Self.row("32x1", note: "a,\"b\"\r\nc"), Self.row("2:4"), Self.row("row")]
    do {
      let file = try ResultsFile(creating: scratch.file("out.csv"), meta: Self.meta())
      for row in rows { try file.append(row) }
    }
    let whole = try scratch.bytes("out.csv")
    let header = ResultsCSV.header.utf8.count
    for length in stride(from: header, through: whole.count, by: 7) {
      try scratch.write(Array(whole[..<length]), "out.csv")
      let kept: Int
      do {
        let file = try ResultsFile(resuming: scratch.file("out.csv"), meta: Self.meta())
        kept = file.rows.count
        #expect(file.rows == Array(rows.prefix(kept)))
        for row in rows.dropFirst(kept) { try file.append(row) }
      }
      #expect(try scratch.bytes("out.csv") == whole)
    }
  }

  @Test func rowsThatAreToBeMeasuredAgainLeaveTheFile() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.file("out.csv")
    do {
      let file = try ResultsFile(creating: path, meta: Self.meta())
      try file.append(Self.row("1x1"))
      try file.append(Self.row("2x1", status: "partial"))
      try file.append(Self.row("4x1", status: "failed"))
      try file.append(Self.row("8x1", status: "skipped"))
    }
    let file = try ResultsFile(resuming: path, meta: Self.meta())
    #expect(file.rows.map { $0[.pattern].text } == ["1x1", "4x1"])
    try file.append(Self.row("2x1"))
    let table = try ResultsCSV.parse(try scratch.bytes("out.csv"))
    #expect(table.rows.map { $0[.pattern].text } == ["1x1", "4x1", "2x1"])
  }

  @Test func anotherSweepsFileIsNotResumed() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.file("out.csv")
    do { _ = try ResultsFile(creating: path, meta: Self.meta()) }
    let before = try scratch.bytes("out.csv")
    for other in [Self.meta(seed: 2), Self.meta(identity: "other")] {
      let error = Self.error { _ = try ResultsFile(resuming: path, meta: other) }
      guard case .differs = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(error?.isUsage == true)
    }
    var later = Self.meta()
    later.started = "2027-01-01T00:00:00Z"
    later.plan?.budgetSeconds = 60
    #expect(Self.error { _ = try ResultsFile(resuming: path, meta: later) } == nil)
    #expect(try scratch.bytes("out.csv") == before)
    try scratch.write(Array("{".utf8), "out.meta.json")
    guard case .badMeta = Self.error({ _ = try ResultsFile(resuming: path, meta: later) }) else {
      Issue.record("half a description was read")
      return
    }
    let bare = scratch.file("bare.csv")
    try scratch.write(before, "bare.csv")
    #expect(
      Self.error { _ = try ResultsFile(resuming: bare, meta: later) }
        == .noMeta(scratch.file("bare.meta.json")))
  }

  @Test func aFullDiskIsSaid() throws {
    let file = try OpenText(continuing: "/dev/full")
    let error = Self.error { try file.write("x\n") }
    #expect(error == .cannotWrite("/dev/full", code: 28))
    #expect(error?.description.contains("No space left") == true)
    let nowhere = "/nonexistent/out.csv"
    let missing = Self.error { _ = try ResultsFile(creating: nowhere, meta: Self.meta()) }
    #expect(missing == .cannotOpen(nowhere, code: 2))
  }

  @Test func shardsMergeToTheWholeAndHostsStayApart() throws {
    let scratch = try ScratchDirectory()
    func write(_ name: String, _ rows: [ResultRow]) throws -> String {
      let file = try ResultsFile(creating: scratch.file(name), meta: Self.meta())
      for row in rows { try file.append(row) }
      return scratch.file(name)
    }
    var elsewhere = Self.row("1x1")
    elsewhere[.hostID] = .text("other")
    let first = try write("a.csv", [Self.row("1x1"), Self.row("2x1")])
    let second = try write("b.csv", [Self.row("2x1"), Self.row("4x1"), elsewhere])
    let merged = try MergedResults(of: [first, second])
    #expect(merged.rows == [Self.row("1x1"), Self.row("2x1"), Self.row("4x1"), elsewhere])
    #expect(merged.duplicates == 1)
    #expect(merged.repeated == 0)
    let third = try write("c.csv", [Self.row("1x1", note: "again")])
    #expect(try MergedResults(of: [first, third]).repeated == 1)
    #expect(Self.error { _ = try MergedResults(of: []) } == .nothingToMerge)
    try scratch.write(Array("no results\n".utf8), "d.csv")
    guard case .damaged = Self.error({ _ = try MergedResults(of: [scratch.file("d.csv")]) }) else {
      Issue.record("a text was merged")
      return
    }
  }

  @Test func otherFormsHoldTheSameRows() throws {
    var row = Self.row("32x1", note: "a|b")
    row[.tensor] = .text("a|b")
    row[.speedup] = .number(2.345)
    let json = try ResultsText.json([row, Self.row("2:4")])
    let decoded = try JSONText.decode([ResultRow].self, from: json)
    #expect(decoded.count == 2)
    #expect(decoded[0][.speedup] == .number(2.345))
    let lines = ResultsText.markdown([row]).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[2].contains("a\\|b"))
    #expect(lines[2].contains("| 2.35 |") || lines[2].contains("| 2.34 |"))
    #expect(lines[2].contains("–"))
  }
}
