import CellUI
import Testing

@Suite struct TextFieldTests {
  @Test func editingKeysDoWhatReadlineDoes() {
    var field = TextField("pattern 32x1 now")
    #expect(field.handle(.control("w")) && field.text == "pattern 32x1 ")
    #expect(field.handle(.control("w")) && field.text == "pattern ")
    #expect(field.handle(.character("8")) && field.text == "pattern 8")
    #expect(field.handle(.home) && field.handle(.delete) && field.text == "attern 8")
    #expect(field.handle(.end) && field.handle(.left) && field.handle(.control("k")))
    #expect(field.text == "attern ")
    #expect(field.handle(.control("u")) && field.text == "" && field.cursor == 0)
    #expect(!field.handle(.enter) && !field.handle(.up))
  }

  @Test func randomEditingAgreesWithAnArrayOfCharacters() {
    var generator = SeededGenerator(seed: 7)
    var field = TextField()
    var model: [Character] = []
    var cursor = 0
    for _ in 0..<5000 {
      switch Int.random(in: 0..<8, using: &generator) {
      case 0...2:
        let character = ["a", "模", "é", " "].randomElement(using: &generator)! as Character
        _ = field.handle(.character(character))
        model.insert(character, at: cursor)
        cursor += 1
      case 3:
        _ = field.handle(.backspace)
        if cursor > 0 {
          cursor -= 1
          model.remove(at: cursor)
        }
      case 4:
        _ = field.handle(.delete)
        if cursor < model.count { model.remove(at: cursor) }
      case 5:
        _ = field.handle(.left)
        cursor = max(0, cursor - 1)
      case 6:
        _ = field.handle(.right)
        cursor = min(model.count, cursor + 1)
      default:
        if model.count > 40 {
          _ = field.handle(.control("u"))
          model.removeFirst(cursor)
          cursor = 0
        }
      }
      #expect(field.text == String(model) && field.cursor == cursor)
    }
  }

  @Test func pastedLineBreaksDoNotEnter() {
    var field = TextField("ab")
    _ = field.handle(.left)
    field.insert("1\n2\r\n3")
    #expect(field.text == "a123b" && field.cursor == 4)
  }

  @Test func fieldScrollsSoThatTheCursorIsInSight() {
    func drawn(_ field: TextField, ghost: String = "") -> (text: String, cursor: Int) {
      var frame = Frame(width: 10, height: 1)
      frame.textField(field, prompt: ":", ghost: ghost, x: 0, y: 0, width: 10, theme: .terminal)
      let cursor = (0..<10).first { frame[$0, 0].style.attributes.contains(.reverse) }
      return (frame.text, cursor ?? -1)
    }
    var field = TextField("abc")
    #expect(drawn(field, ghost: "def") == (":abcdef", 4))
    field.set("abcdefghijkl")
    #expect(drawn(field) == (":efghijkl", 9))
    _ = field.handle(.home)
    #expect(drawn(field) == (":abcdefghi", 1))
    field.set("模型模型模型")
    #expect(drawn(field) == (":模型模型", 9))
  }
}
