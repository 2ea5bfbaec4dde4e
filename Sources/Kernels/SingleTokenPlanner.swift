import Experiments
import Tensors

/// Chooses and packs the parts of a layer for one token.
struct SingleTokenPlanner {
  let source: SmallBatchSource
  let pattern: Pattern
  let bias: [Float]?
  let kept: Int
  let instructionSet: InstructionSet
  /// Whether the parts that were packed take activations in the order of the layout.
  private(set) var gathers = false

  init(
    source: SmallBatchSource, pattern: Pattern, bias: [Float]?, kept: Int,
    instructionSet: InstructionSet
  ) {
    self.source = source
    self.pattern = pattern
    self.bias = bias
    self.kept = kept
    self.instructionSet = instructionSet
  }

  /// Lists of strips hold 16-bit columns.
  private var stripsFit: Bool { source.columns <= 65_536 }

  /// The estimated cycles of every format that can hold the mask, and the fastest one packed. A
  /// bitmap of 768x768 is read in about 10 µs a format, so none is left out.
  mutating func plan() -> [SmallBatchPart<SingleTokenForm>] {
    if let split = split() { return split }
    var best =
      Double(source.lookupSteps()) * SingleTokenForm.lookupCycles(instructionSet)
    var choice: SingleTokenForm?
    if stripsFit {
      for form in SingleTokenForm.allCases {
        let cycles = form.cycles * Double(stepCount(form))
        if cycles < best { (best, choice) = (cycles, form) }
      }
    }
    let most = kept > 0 ? PackedQuads.most(source) : 4
    if most < 4 {
      let vectors = Double((source.rows.count + 15) / 16 * ((source.columns + 3) / 4) * most)
      if vectors * SingleTokenForm.quadCycles(instructionSet) < best {
        gathers = source.columnOrder != nil || source.columns % 4 != 0
        return [SmallBatchPart(PackedQuads(source, kept: most, bias: bias))]
      }
    }
    if let choice { return [strips(choice)] }
    return [lookup()]
  }

  /// Single weights by table lookup.
  func lookup() -> SmallBatchPart<SingleTokenForm> {
    SmallBatchPart(PackedLookup(source, lists: singles, bias: bias))
  }

  /// One form, whatever it costs.
  mutating func strips(_ form: SingleTokenForm) -> SmallBatchPart<SingleTokenForm> {
    pack(form, lists(form))
  }

  private var singles: StripLists { source.strips(height: 1, width: 1, ordered: false) }

  private func lists(_ form: SingleTokenForm) -> StripLists {
    source.strips(height: form.shape.height, width: form.shape.width, ordered: form.shape.width > 1)
  }

  private func stepCount(_ form: SingleTokenForm) -> Int {
    source.stripLengths(
      height: form.shape.height, width: form.shape.width, ordered: form.shape.width > 1
    ).reduce(0) { $0 + ($1 + form.shape.entries - 1) / form.shape.entries }
  }

  private mutating func pack(_ form: SingleTokenForm, _ lists: StripLists) -> SmallBatchPart<
    SingleTokenForm
  > {
    let ordered = form.shape.width > 1
    gathers = ordered && source.columnOrder != nil
    return SmallBatchPart(
      form,
      PackedStrips(
        source, shape: form.shape, lists: lists, ordered: ordered, columns: 0..<source.columns,
        bias: bias))
  }

  /// For tiles with an overlay of single weights: strips of the columns that a strip keeps at least
  /// half of, and the other weights by lookup, added in a second pass.
  private func split() -> [SmallBatchPart<SingleTokenForm>]? {
    guard case .tileElement(let width, _) = pattern.base, width >= 16, stripsFit, kept > 0 else {
      return nil
    }
    let (tiles, overlay) = source.mask.split(rows: source.rows, height: 16)
    let first = SmallBatchSource(source, mask: tiles)
    let second = SmallBatchSource(source, mask: overlay)
    let form = SingleTokenForm.columns16
    let lists = first.strips(height: 16, width: 1, ordered: false)
    let rest = second.strips(height: 1, width: 1, ordered: false)
    return [
      SmallBatchPart(
        form,
        PackedStrips(
          first, shape: form.shape, lists: lists, ordered: false, columns: 0..<source.columns,
          bias: bias)),
      SmallBatchPart(PackedLookup(second, lists: rest, bias: nil), adding: true),
    ]
  }
}
