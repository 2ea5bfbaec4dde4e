import Experiments
import Testing

@Suite struct ResultsCSVTests {
  static func row(_ pattern: String, note: String? = nil) -> ResultRow {
    var row = ResultRow()
    row[.schemaVersion] = .integer(1)
    row[.tensor] = .text("encoder.layer.0.attention.self.query.weight")
    row[.pattern] = .text(pattern)
    row[.sparsityRequested] = .number(0.8)
    row[.speedup] = .number(2.3125)
    row[.denseNs] = .number(1e-7)
    row[.seed] = .integer(1)
    row[.status] = .text("ok")
    row[.note] = ResultCell(note)
    return row
  }

  static func bytes(_ rows: [ResultRow]) -> [UInt8] {
    Array((ResultsCSV.header + rows.map(ResultsCSV.line).joined()).utf8)
  }

  @Test func theHeaderIsTheColumnsInTheirOrder() {
    #expect(ResultsCSV.header.hasPrefix("schema_version,run_id,time_utc,host_id,cpu_model,isa,"))
    #expect(ResultsCSV.header.hasSuffix("outliers,max_abs_error,status,note\r\n"))
    #expect(ResultsCSV.header.split(separator: ",").count == 65)
  }

  @Test(arguments: [
    nil, "plain", "a,b", "say \"no\"", "two\nlines", "carriage\r\nreturn", " blank ",
    "größe – 1 µs",
    "\"", ",", "=1+1",
  ])
  func whatIsWrittenIsReadBack(note: String?) throws {
    let rows = [Self.row("32x1", note: note), Self.row("2:4"), Self.row("tew64+5%", note: note)]
    let table = try ResultsCSV.parse(Self.bytes(rows))
    #expect(table.rows == rows)
    #expect(table.tornBytes == 0)
    #expect(table.hasCurrentColumns)
    #expect(table.wholeBytes == Self.bytes(rows).count)
  }

  @Test func anUnknownFigureIsAnEmptyCellAndNeverZero() throws {
    let line = ResultsCSV.line(Self.row("1x1"))
    #expect(line.contains(",,"))
    let table = try ResultsCSV.parse(Self.bytes([Self.row("1x1")]))
    #expect(table.rows[0][.outputError] == .missing)
  }

  /// A writer that is killed leaves any prefix of its file.
  @Test func everyPrefixGivesTheWholeRowsBeforeItsEnd() throws {
    let rows = [Self.row("32x1", note: "a,\"b\"\r\nc"), Self.row("2:4"), Self.row("row")]
    let whole = Self.bytes(rows)
    let header = ResultsCSV.header.utf8.count
    var ends = [header]
    for row in rows { ends.append(ends.last! + ResultsCSV.line(row).utf8.count) }
    for length in header...whole.count {
      let table = try ResultsCSV.parse(Array(whole[..<length]))
      let expected = ends.last { $0 <= length }!
      #expect(table.wholeBytes == expected)
      #expect(table.rows == Array(rows.prefix(ends.firstIndex(of: expected)!)))
      #expect(table.tornBytes == length - expected)
    }
    for length in 0..<header {
      #expect(throws: ResultsCSVError.self) { try ResultsCSV.parse(Array(whole[..<length])) }
    }
  }

  @Test func columnsMayMoveAndStrangeOnesAreIgnored() throws {
    let text = "pattern,colour,status,tensor\n2:4,red,ok,w\n"
    let table = try ResultsCSV.parse(Array(text.utf8))
    #expect(table.rows.count == 1)
    #expect(table.rows[0][.pattern] == .text("2:4"))
    #expect(table.rows[0][.tensor] == .text("w"))
    #expect(!table.hasCurrentColumns)
  }

  @Test func wrongFilesAreRefusedWithLineAndColumn() {
    func error(_ text: String) -> ResultsCSVError? {
      do throws(ResultsCSVError) {
        _ = try ResultsCSV.parse(Array(text.utf8))
        return nil
      } catch { return error }
    }
    let head = "tensor,pattern,status,speedup\n"
    #expect(error("") == .empty)
    #expect(error("a,b\n1,2\n") == .missingColumn("tensor"))
    #expect(error("tensor,tensor,pattern,status\n") == .duplicateColumn("tensor"))
    #expect(error(head + "w,1x1,ok\n") == .cellCount(line: 2, expected: 4, found: 3))
    #expect(
      error(head + "w,1x1,ok,1\nw,1x1,ok,fast\n")
        == .notANumber(line: 3, column: "speedup", found: "fast"))
    #expect(
      error(head + "w,1x1,ok,nan\n") == .notANumber(line: 2, column: "speedup", found: "nan"))
    #expect(error(head + "w\"x,1x1,ok,1\n") == .strayQuote(line: 2))
    #expect(error(head + "\"w\"x,1x1,ok,1\n") == .strayQuote(line: 2))
    #expect(
      error(head + "\"two\nlines\",1x1,ok,1\nw,1x1,ok,x\n")
        == .notANumber(line: 4, column: "speedup", found: "x"))
    #expect(throws: ResultsCSVError.notUTF8(line: 2)) {
      try ResultsCSV.parse(Array(head.utf8) + [0x77, 0xFF, 0x2C, 0x0A])
    }
  }

  /// `SPARSITY_FUZZ_CASES` asks for more cases than the 1000 of the test suite.
  @Test func damagedFilesAreReadOrRefusedWithoutACrash() {
    let cases = WordFuzzTests.cases
    let whole = Self.bytes([Self.row("32x1", note: "a,\"b\"\r\nc"), Self.row("2:4")])
    var state: UInt64 = 42
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let marks: [UInt8] = [0x22, 0x2C, 0x0A, 0x0D, 0x00, 0xFF, 0x2E, 0x2D]
    var refused = 0
    for _ in 0..<cases {
      var bytes = whole
      for _ in 0...random(4) {
        switch random(3) {
        case 0: bytes[random(bytes.count)] ^= 1 << UInt8(random(8))
        case 1: bytes.insert(marks[random(marks.count)], at: random(bytes.count))
        default: bytes.remove(at: random(bytes.count))
        }
      }
      do {
        let table = try ResultsCSV.parse(bytes)
        #expect(table.wholeBytes + table.tornBytes == bytes.count)
      } catch {
        refused += 1
        #expect(!error.description.isEmpty)
      }
    }
    #expect(refused > cases / 10 && refused < cases)
  }
}

@Suite struct ParetoFrontTests {
  @Test func theFrontIsWhatNothingBeats() {
    //           0  1  2  3  4
    let gain = [1.0, 2, 3, 2.5, 3]
    let loss = [0.1, 0.2, 0.6, 0.5, 0.7]
    #expect(ParetoFront.indices(gain: gain, loss: loss) == [0, 1, 3, 2])
    #expect(ParetoFront.indices(gain: [], loss: []) == [])
    #expect(ParetoFront.indices(gain: [1, .nan, 2], loss: [1, 0, .infinity]) == [0])
    #expect(ParetoFront.indices(gain: [1, 1], loss: [1, 1]) == [0])
  }

  @Test func theFrontAgreesWithItsDefinitionOnRandomPoints() {
    var state: UInt64 = 7
    func random() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 60)
    }
    for _ in 0..<200 {
      let gain = (0..<12).map { _ in random() }
      let loss = (0..<12).map { _ in random() }
      let expected = gain.indices.filter { point in
        !gain.indices.contains { other in
          let better = gain[other] > gain[point] || loss[other] < loss[point]
          let noWorse = gain[other] >= gain[point] && loss[other] <= loss[point]
          let isTwin = gain[other] == gain[point] && loss[other] == loss[point]
          return (better && noWorse) || (isTwin && other < point)
        }
      }
      #expect(Set(ParetoFront.indices(gain: gain, loss: loss)) == Set(expected))
    }
  }

  @Test func tensorsDoNotCompete() {
    func row(_ tensor: String, _ speedup: Double, _ error: Double) -> ResultRow {
      var row = ResultRow()
      row[.tensor] = .text(tensor)
      row[.speedup] = .number(speedup)
      row[.weightError] = .number(error)
      row[.status] = .text("ok")
      return row
    }
    var failed = row("a", 9, 0)
    failed[.status] = .text("failed")
    let rows = [row("a", 1, 0.5), row("a", 2, 0.4), row("b", 1, 0.9), failed]
    #expect(ParetoFront.rows(rows) == [rows[1], rows[2]])
  }
}
