extension Activations {
  /// Fills the panels from `[tokens, features]`, row-major.
  ///
  /// Moves each float once; about 8 µs for 128 tokens of 768 features with AVX-512.
  public func load(from source: UnsafePointer<Float>) {
    load(from: source, panels: 0..<panels)
  }

  /// Writes `[tokens, features]`, row-major.
  public func store(to target: UnsafeMutablePointer<Float>) {
    store(to: target, panels: 0..<panels)
  }

  /// Fills some panels; `source` is still the first token of all.
  func load(from source: UnsafePointer<Float>, panels: Range<Int>) {
    if width == 1 {
      let tokens = panels.count
      (pointer + panels.lowerBound * features).update(
        from: source + panels.lowerBound * features, count: tokens * features)
      return
    }
    let kernels = MicroKernels.best
    for panel in panels {
      let here = min(width, tokens - panel * width)
      kernels.transpose(
        source + panel * width * features, features, pointer + panel * features * width, width,
        here, features)
    }
  }

  /// Writes some panels; `target` is still the first token of all.
  func store(to target: UnsafeMutablePointer<Float>, panels: Range<Int>) {
    if width == 1 {
      let tokens = panels.count
      (target + panels.lowerBound * features).update(
        from: pointer + panels.lowerBound * features, count: tokens * features)
      return
    }
    let kernels = MicroKernels.best
    for panel in panels {
      let here = min(width, tokens - panel * width)
      kernels.transpose(
        pointer + panel * features * width, width, target + panel * width * features, features,
        features, here)
    }
  }
}
