public import Experiments
public import Tensors

/// Packs a masked layer for one number of tokens; the one place where a kernel is chosen.
///
/// The mask is the truth: any mask gives the right result under any pattern, the pattern and the order
/// only say where regularity is to be looked for. Pruned weights never meet an activation, so NaN and
/// infinities behave as in `referenceProduct` with the same mask.
///
/// - Parameters:
///   - weights: `[outputs, inputs]` in original order; what stands behind the mask is not read.
///   - mask: the same shape, original order.
///   - order: the layout in which the pattern is regular. It costs nothing at run time: lists of inputs
///     hold original columns and slabs hold original rows.
///   - bias: one value an output.
///   - tokens: the number of tokens that the layer will run on.
///   - dtype: how weights are stored; sums are always F32.
///   - layout: of the activations that `multiply` takes and gives.
/// - Throws: when shapes do not fit, or the machine lacks the instruction set.
/// - Complexity: O(rows · columns); under 2 ms for 768x768.
public func packSparse(
  weights: Matrix, mask: Mask, pattern: Pattern, order: LayerOrder = .none, bias: [Float]? = nil,
  tokens: Int, dtype: WeightType = .f32, layout: ActivationLayout = .panels,
  instructionSet: InstructionSet = .best
) throws(KernelError) -> any LinearKernel {
  try check(
    weights: weights, mask: mask, order: order, bias: bias, tokens: tokens,
    instructionSet: instructionSet)
  let kernel: any LinearKernel =
    switch tokens {
    case 1:
      try SingleTokenLayer(
        weights: weights, mask: mask, pattern: pattern, rows: order.rows, columns: order.columns,
        bias: bias, dtype: dtype, instructionSet: instructionSet)
    case 2...15:
      try EightTokensLayer(
        weights: weights, mask: mask, pattern: pattern, rows: order.rows, columns: order.columns,
        bias: bias, dtype: dtype, instructionSet: instructionSet)
    default:
      SlabLayer(
        weights: weights, mask: mask, bands: .best(mask: mask, pattern: pattern, order: order),
        runLength: runLength(pattern, order), bias: bias, tokens: tokens, dtype: dtype,
        instructionSet: instructionSet)
    }
  return inLayout(layout, tokens, kernel)
}

/// A single token is the same in both layouts.
private func inLayout(
  _ layout: ActivationLayout, _ tokens: Int, _ kernel: any LinearKernel
) -> any LinearKernel {
  layout == .tokenMajor && tokens > 1 ? TokenMajorLayer(kernel) : kernel
}

/// Consecutive inputs that blocks keep together; a reordering of inputs takes them apart.
private func runLength(_ pattern: Pattern, _ order: LayerOrder) -> Int {
  guard case .block(let height, let width) = pattern.base, height > 1,
    order.columns?.isIdentity ?? true
  else { return 1 }
  return width
}

/// Our own dense kernel for one number of tokens; from 16 tokens on it is the slab kernel with every
/// weight in slabs of 8 rows and the inputs in runs.
func packDense(
  weights: Matrix, bias: [Float]?, tokens: Int, layout: ActivationLayout,
  instructionSet: InstructionSet
) throws(KernelError) -> any LinearKernel {
  let mask = Mask(rows: weights.rows, columns: weights.columns, keepingAll: true)
  try check(
    weights: weights, mask: mask, order: .none, bias: bias, tokens: tokens,
    instructionSet: instructionSet)
  let kernel: any LinearKernel =
    switch tokens {
    case 1: try SingleTokenDense(weights: weights, bias: bias, instructionSet: instructionSet)
    case 2...15: try EightTokensDense(weights: weights, bias: bias, instructionSet: instructionSet)
    default:
      SlabLayer(
        weights: weights, mask: mask, bands: Bands(rows: Bands.split(Array(0..<weights.rows), 8)),
        runLength: 64, bias: bias, tokens: tokens, dtype: .f32, instructionSet: instructionSet)
    }
  return inLayout(layout, tokens, kernel)
}

func check(
  weights: Matrix, mask: Mask, order: LayerOrder, bias: [Float]?, tokens: Int,
  instructionSet: InstructionSet
) throws(KernelError) {
  guard mask.rows == weights.rows, mask.columns == weights.columns else {
    throw .maskShape(
      weightRows: weights.rows, weightColumns: weights.columns, maskRows: mask.rows,
      maskColumns: mask.columns)
  }
  if let bias, bias.count != weights.rows {
    throw .biasLength(expected: weights.rows, found: bias.count)
  }
  if let rows = order.rows, rows.count != weights.rows {
    throw .orderLength(axis: "rows", expected: weights.rows, found: rows.count)
  }
  if let columns = order.columns, columns.count != weights.columns {
    throw .orderLength(axis: "columns", expected: weights.columns, found: columns.count)
  }
  guard tokens >= 1 else { throw .noTokens(tokens) }
  guard InstructionSet.available.contains(instructionSet) else {
    throw .instructionSet(instructionSet, available: InstructionSet.available)
  }
}
