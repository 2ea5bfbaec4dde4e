import Foundation
import Testing

@testable import Laboratory

@Suite struct TrainingTextTests {
  @Test func linesOfAParagraphAreJoinedAndCutWhereSentencesEnd() {
    let text = TrainingText(
      """
      The first one goes
        over two lines.  Is this the second?
      "Yes!" said Mr. Smith, who wrote to J. R. Hartley about it.  3 men laughed.
      """)
    #expect(
      text.sentences == [
        "The first one goes over two lines.", "Is this the second?",
        "\"Yes!\" said Mr. Smith, who wrote to J. R. Hartley about it.", "3 men laughed.",
      ])
  }

  @Test func percentLinesPartAndAuthorsAreLeftOut() {
    let text = TrainingText(
      "A celebrity is known\n%\nNothing ends this\n\t\t-- Somebody,\n\t\t   \"A Book\"\n%\nThe third\n"
    )
    #expect(text.sentences == ["A celebrity is known", "Nothing ends this", "The third"])
  }

  @Test func windowsLinesAndBrokenBytesDoNotMatter() throws {
    let path = FileManager.default.temporaryDirectory.path + "/text-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("One line.\r\n\r\nBad ".utf8 + [0xFF] + " byte.\r\n".utf8)
      .write(to: URL(fileURLWithPath: path))
    #expect(try TrainingText(path: path).sentences == ["One line.", "Bad \u{FFFD} byte."])
  }

  @Test func aDirectoryGivesItsTextsWithoutIndexesLinksAndBinaries() throws {
    let path = FileManager.default.temporaryDirectory.path + "/texts-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(
      atPath: path + "/deeper", withIntermediateDirectories: true)
    for (name, text) in [
      ("b", "From b."), ("a", "From a."), ("a.dat", "An index."), (".hidden", "Hidden."),
      ("binary", "Not\0text."), ("deeper/c", "From c."),
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    }
    try FileManager.default.createSymbolicLink(
      atPath: path + "/a.u8", withDestinationPath: "a")
    let text = try TrainingText(path: path)
    #expect(text.sentences == ["From a.", "From b."])
    #expect(text.files == 2)
    #expect(text.notes.count == 1 && text.notes[0].contains("1 files"))
  }

  @Test func whatIsNoTextIsSaid() throws {
    let path = FileManager.default.temporaryDirectory.path + "/none-\(UUID().uuidString)"
    func sentence() -> String? {
      do {
        _ = try TrainingText(path: path)
        return nil
      } catch { return "\(error.kind) \(error.description)" }
    }
    #expect(sentence()?.contains("unreadable") == true)
    #expect(sentence()?.contains(path) == true)
    try Data([0x41, 0, 0x42]).write(to: URL(fileURLWithPath: path))
    #expect(sentence()?.contains("zero bytes") == true)
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(sentence()?.contains("no text file") == true)
  }
}
