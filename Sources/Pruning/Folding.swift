import Experiments

/// Where the permutations of a reordered layer cost nothing at run time.
///
/// A permutation of outputs folds into the next layer's inputs when only element-wise operations lie
/// between; inside one attention head the value outputs and the output projection's inputs may move
/// together; the residual stream has one order for the whole model. Told by the names BERT models use.
func foldingAdvice(tensor: String, axes: ReorderAxes, movesRows: Bool, movesColumns: Bool) -> String
{
  let name = tensor.lowercased()
  let isAttention = name.contains("attention") || name.contains("attn")
  var parts: [String] = []
  func has(_ words: String...) -> Bool { words.contains { name.contains($0) } }

  if isAttention, has("query", "q_proj", "key", "k_proj") {
    let other = has("query", "q_proj") ? "key" : "query"
    if movesRows {
      parts.append(
        "outputs: free within a head when \(other) takes the same order; across heads one scatter")
    }
    if movesColumns { parts.append("inputs: the residual stream, shared by query, key and value") }
  } else if isAttention, has("value", "v_proj") {
    if movesRows {
      parts.append(
        "outputs: free within a head, folded into the inputs of the attention output projection")
    }
    if movesColumns { parts.append("inputs: the residual stream, shared by query, key and value") }
  } else if isAttention, has("output", "out_proj", "o_proj") {
    if movesRows { parts.append("outputs: the residual stream, one order for the whole model") }
    if movesColumns {
      parts.append("inputs: free within a head, folded into the outputs of value")
    }
  } else if has("intermediate", "fc1", "up_proj", "c_fc") {
    if movesRows {
      parts.append("outputs: free, folded into the inputs of the second feed-forward layer")
    }
    if movesColumns { parts.append("inputs: the residual stream, one order for the whole model") }
  } else if has("output.dense", "fc2", "down_proj", "mlp.c_proj") {
    if movesRows { parts.append("outputs: the residual stream, one order for the whole model") }
    if movesColumns {
      parts.append("inputs: free, folded into the outputs of the first feed-forward layer")
    }
  } else {
    if movesRows { parts.append("outputs: one scatter at run time; neighbours unknown by name") }
    if movesColumns { parts.append("inputs: one gather at run time; neighbours unknown by name") }
  }
  if parts.isEmpty {
    return axes == .both
      ? "nothing to reorder: the pattern's units span the axis"
      : "nothing to reorder along \(axes.rawValue): the pattern's units span or ignore that axis"
  }
  let isShared = parts.contains { $0.contains("residual") }
  return parts.joined(separator: "; ")
    + (isShared ? "; a gather or scatter unless all its readers and writers agree" : "")
}
