internal import CellUI
internal import Experiments

/// The bottom line: pages first, then what works on this page, as much as fits.
struct HintLine {
  private struct Place {
    var x: Int
    var width: Int
    var binding: Binding
    var label: String
  }
  private var places: [Place] = []

  init(_ state: State) {
    let holding = KeyTable.bindings(on: state.page).filter { $0.hint != nil }
    // Pages stand first, in their order; the question mark last, where it is looked for.
    func rank(_ binding: Binding) -> Int {
      if binding.priority == 2 { return 0 }
      if binding.place != .everywhere { return 1 }
      return binding.priority <= 1 ? 3 : 2
    }
    let usable = holding.filter {
      $0.priority <= 2 || state.refusal(of: $0.command(state)) == nil
    }
    let ordered = usable.enumerated().sorted {
      (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
    }.map(\.element)
    let width = state.width - 2
    // At 80 columns all pages and both ways to everything else fit in their shorter names.
    let shorter = ["training": "train", "command": "cmd"]
    func label(_ binding: Binding) -> String {
      let hint = binding.hint ?? ""
      return width < 98 ? shorter[hint] ?? hint : hint
    }
    func columns(_ binding: Binding) -> Int {
      1 + CellText.width(label(binding)) + CellText.width(KeyName.label(binding.keys[0])) + 2
    }
    var room = width + 2
    var kept: Set<Int> = []
    for index in ordered.indices.sorted(by: {
      (ordered[$0].priority, $0) < (ordered[$1].priority, $1)
    }) {
      let needed = columns(ordered[index])
      guard needed <= room else { break }
      room -= needed
      kept.insert(index)
    }
    var x = 1
    for index in ordered.indices where kept.contains(index) {
      let size = columns(ordered[index]) - 2
      places.append(Place(x: x, width: size, binding: ordered[index], label: label(ordered[index])))
      x += size + 2
    }
  }

  func binding(atX x: Int) -> Binding? {
    places.first { x >= $0.x && x < $0.x + $0.width }?.binding
  }

  func draw(_ frame: inout Frame, y: Int, _ state: State) {
    let theme = state.theme
    for place in places {
      let isCurrent = place.binding.priority == 2 && place.binding.hint == state.page.title
      let key = KeyName.label(place.binding.keys[0])
      let next = frame.put(key, x: place.x, y: y, style: theme.key)
      frame.put(
        place.label, x: next + 1, y: y,
        style: isCurrent ? theme.selectionInactive.with(.bold) : theme.keyLabel)
    }
  }
}
