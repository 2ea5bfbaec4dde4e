extension SlabLayer {
  /// Weights of slabs that stay in the first-level cache's reach while all panels pass: 64 KiB.
  private static let chunk = 16384

  /// `multiply` on one thread for activations of a few panels that are in the second-level cache: some
  /// slabs at a time over all panels, where `multiply` takes some panels at a time through all slabs.
  ///
  /// Weights are then read once a call instead of once a panel. That is for layers whose weights are
  /// larger than the second-level cache and take turns with many others, as in training, where a step
  /// walks through every layer twice. The result is the same bit for bit.
  func multiplyInChunks(_ x: Activations, into y: Activations) {
    precondition(
      x.features == columns && y.features == rows && x.tokens == y.tokens,
      "\(x.tokens)x\(x.features) into \(y.tokens)x\(y.features) through a layer \(rows)x\(columns)")
    precondition(x.width == 32 && y.width == 32, "packed for panels of 32 tokens")
    let (xPanel, yPanel) = (columns * 32, rows * 32)
    for part in slabs {
      var first = 0
      while first < part.slabCount {
        let target = part.prefix[first] + Self.chunk
        var end = first + 1
        while end < part.slabCount, part.prefix[end + 1] <= target { end += 1 }
        part.run(
          x.pointer, xPanel, y.pointer, yPanel, panels: x.panels, slabs: first..<end,
          bias: bias.pointer)
        first = end
      }
    }
    // Single rows want their activations in L1: two panels at a time.
    for part in [singles, overlay] {
      guard let part else { continue }
      for panel in stride(from: 0, to: x.panels, by: 2) {
        part.run(
          x.pointer + panel * xPanel, xPanel, y.pointer + panel * yPanel, yPanel,
          panels: min(2, x.panels - panel), chunks: part.chunks(share: 0, of: 1),
          bias: bias.pointer)
      }
    }
  }
}
