import Experiments
import Tensors

/// Chooses and packs the parts of a layer for eight tokens.
struct EightTokensPlanner {
  let source: SmallBatchSource
  let pattern: Pattern
  let bias: [Float]?
  let kept: Int
  let instructionSet: InstructionSet

  /// Columns that a list of 16-bit offsets of eight floats reaches.
  private static let reach = 8_192

  /// The format with the fewest estimated cycles.
  func plan() -> [SmallBatchPart<EightTokensForm>] {
    if let split = split() { return split }
    var best = (form: EightTokensForm.singles, cycles: Double.infinity)
    for form in EightTokensForm.allCases where !form.isJoined || source.columns >= 2 {
      let cycles = cycles(form, source)
      if cycles < best.cycles { best = (form, cycles) }
    }
    let most = kept > 0 ? PackedQuads.most(source) : 4
    if most < 4 {
      let vectors = (source.rows.count + 15) / 16 * ((source.columns + 3) / 4) * most
      if Double(vectors) * EightTokensForm.quadCycles(instructionSet) < best.cycles {
        return [SmallBatchPart(PackedQuads(source, kept: most, bias: bias))]
      }
    }
    let steps = source.lookupSteps()
    if Double(steps) * EightTokensForm.lookupCycles(instructionSet) < best.cycles {
      return [lookup(source, bias: bias)]
    }
    return strips(best.form, source)
  }

  /// Single weights by table lookup.
  func lookup(
    _ source: SmallBatchSource, bias: [Float]?, adding: Bool = false
  ) -> SmallBatchPart<EightTokensForm> {
    let lists = source.strips(height: 1, width: 1, ordered: false)
    return SmallBatchPart(PackedLookup(source, lists: lists, bias: bias), adding: adding)
  }

  /// One form, a part for each 8 192 columns.
  func strips(
    _ form: EightTokensForm, _ source: SmallBatchSource, adding: Bool = false
  ) -> [SmallBatchPart<EightTokensForm>] {
    stride(from: 0, to: max(1, source.columns), by: Self.reach).map { first in
      let columns = first..<min(first + Self.reach, source.columns)
      let lists = source.strips(
        height: form.shape.height, width: form.shape.width, ordered: false, columns: columns)
      return SmallBatchPart(
        form,
        PackedStrips(
          source, shape: form.shape, lists: lists, ordered: false, columns: columns,
          scale: 8, bias: first == 0 && !adding ? bias : nil), firstColumn: first,
        adding: first > 0 || adding)
    }
  }

  private func cycles(_ form: EightTokensForm, _ source: SmallBatchSource) -> Double {
    let lengths = source.stripLengths(height: form.shape.height, width: form.shape.width)
    let steps = lengths.reduce(0) { $0 + ($1 + form.shape.entries - 1) / form.shape.entries }
    return Double(steps) * form.cycles + Double(lengths.count) * form.stripCycles
  }

  /// For tiles with an overlay of single weights: strips of the columns that a strip keeps at least
  /// half of, then the other weights one by one, added to the same outputs.
  private func split() -> [SmallBatchPart<EightTokensForm>]? {
    guard case .tileElement(let width, _) = pattern.base, width >= 16, kept > 0 else { return nil }
    let form: EightTokensForm = width >= 32 ? .columns32 : .columns16
    let (tiles, overlay) = source.mask.split(rows: source.rows, height: form.shape.height)
    let rest = SmallBatchSource(source, mask: overlay)
    let singles = cycles(.singles, rest)
    return strips(form, SmallBatchSource(source, mask: tiles))
      + (Double(rest.lookupSteps()) * EightTokensForm.lookupCycles(instructionSet) < singles
        ? [lookup(rest, bias: nil, adding: true)] : strips(.singles, rest, adding: true))
  }
}
