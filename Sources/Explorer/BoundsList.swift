internal import CellUI
internal import Experiments

/// The measured times as bars above what bounds them: how much is left to gain, at a glance.
enum BoundsList {
  static let lines = 5

  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    guard let measurement = state.measurement.value, rect.width >= 20, rect.height >= 2 else {
      return
    }
    let theme = state.theme
    let dense = measurement.denseNs.estimate
    var bars: [(name: String, time: Double, style: Style)] = [
      ("dense", dense, theme.muted),
      ("sparse", measurement.sparseNs.estimate, theme.accent),
    ]
    let allowed = state.summary.value.map { 1 - $0.achievedSparsity } ?? 1
    bars.append(("by zeros", dense * allowed, theme.gauge))
    if let ceilings = state.machine?.ceilings {
      let threads = Double(state.knobs.threads)
      if ceilings.peakFlops > 0 {
        bars.append(
          ("at peak", measurement.flopsUseful / (ceilings.peakFlops * threads) * 1e9, theme.gauge))
      }
      if ceilings.memoryBandwidth > 0, state.knobs.cache == .cold {
        let bytes = Double(measurement.bytesSparse + measurement.bytesActivations)
        bars.append(
          ("by memory", bytes / (ceilings.memoryBandwidth * threads) * 1e9, theme.gauge))
      }
    }
    let longest = bars.map(\.time).max() ?? 1
    for (line, bar) in bars.prefix(rect.height).enumerated() {
      let y = rect.y + line
      frame.put(bar.name, x: rect.x, y: y, style: theme.muted, maxWidth: 9)
      let text = Figures.duration(nanoseconds: bar.time)
      let width = rect.width - 10 - 8
      frame.gauge(
        longest > 0 ? bar.time / longest : nil, x: rect.x + 10, y: y, width: width, theme: theme,
        style: bar.style)
      frame.put(
        text, x: rect.x + rect.width - 7, y: y, width: 7, alignment: .right, style: theme.text)
    }
  }
}
