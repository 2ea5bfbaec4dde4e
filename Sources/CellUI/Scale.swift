internal import Glibc

/// How the numbers of an axis are written.
public enum NumberFormat: Hashable, Sendable {
  case plain
  /// `2.31x`
  case ratio
  /// `80 %` of a fraction.
  case percent
  /// Nanoseconds.
  case duration
  case bytes
  /// With a decimal prefix before the unit.
  case rate(String)

  public func text(_ value: Double) -> String {
    switch self {
    case .plain: Figures.plain(value)
    case .ratio: Figures.ratio(value)
    case .percent: Figures.percent(value)
    case .duration: Figures.duration(nanoseconds: value)
    case .bytes: Figures.bytes(value)
    case .rate(let unit): Figures.rate(value, unit)
    }
  }

  /// The shortest form of a round number: `2x`, `80 %`, `500 µs`.
  func tick(_ value: Double, step: Double) -> String {
    let factor = self == .percent ? 100.0 : 1
    let places = max(0, -Int(floor(log10(abs(step * factor)) + 1e-9)))
    switch self {
    case .plain where abs(value) < 1e5: return Figures.fixed(value, places)
    // Nothing needs no unit, and which one would it be.
    case .duration where value == 0: return "0"
    case .ratio: return Figures.fixed(value, places) + "x"
    case .percent: return Figures.fixed(value * factor, places) + " %"
    default: return Self.withoutTrailingZeros(text(value))
    }
  }

  private static func withoutTrailingZeros(_ text: String) -> String {
    guard let point = text.firstIndex(of: ".") else { return text }
    let end = text[point...].firstIndex(of: " ") ?? text.endIndex
    var number = text[..<end]
    guard !number.contains("e") else { return text }
    while number.last == "0" { number.removeLast() }
    if number.last == "." { number.removeLast() }
    return String(number) + text[end...]
  }
}

/// A mark on an axis.
public struct Tick: Hashable, Sendable {
  public var value: Double
  public var label: String
}

/// Where values lie on an axis.
public struct Scale: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case linear, logarithmic }
  public let kind: Kind
  public let low: Double
  public let high: Double

  /// From `low` to `high`, in order, finite, and above zero if logarithmic; what is not is mended.
  public init(_ kind: Kind, from low: Double, to high: Double) {
    self.kind = kind
    var (low, high) = (min(low, high), max(low, high))
    if !low.isFinite || !high.isFinite { (low, high) = (kind == .linear ? 0 : 1, 1) }
    if kind == .logarithmic {
      high = high > 0 ? high : 1
      low = low > 0 ? low : high / 1000
    }
    if low == high {
      if kind == .linear {
        let half = low == 0 ? 1 : abs(low) / 2
        (low, high) = (low - half, high + half)
      } else {
        (low, high) = (low / 2, high * 2)
      }
    }
    self.low = low
    self.high = high
  }

  /// Wide enough for all `values` and `including`, with a twentieth of air on both sides. Values
  /// that are not finite, or not above zero for a logarithm, do not count.
  public init(_ kind: Kind, covering values: some Sequence<Double>, including extra: [Double] = [])
  {
    var low = Double.infinity
    var high = -Double.infinity
    for value in Array(values) + extra where value.isFinite && (kind == .linear || value > 0) {
      low = min(low, value)
      high = max(high, value)
    }
    guard low <= high else {
      self.init(kind, from: kind == .linear ? 0 : 0.1, to: 1)
      return
    }
    let bare = Scale(kind, from: low, to: high)
    switch kind {
    case .linear:
      let air = (bare.high - bare.low) / 20
      // Quantities that are never negative keep their zero at the edge.
      self.init(
        kind, from: low >= 0 ? max(0, bare.low - air) : bare.low - air, to: bare.high + air)
    case .logarithmic:
      let air = pow(bare.high / bare.low, 0.05)
      self.init(kind, from: bare.low / air, to: bare.high * air)
    }
  }

  /// 0 at the low end, 1 at the high one, beyond outside; nil for what has no place.
  public func fraction(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    switch kind {
    case .linear: return (value - low) / (high - low)
    case .logarithmic: return value > 0 ? log(value / low) / log(high / low) : nil
    }
  }

  /// The value at a fraction of the scale: what `fraction` gives back.
  public func value(at fraction: Double) -> Double {
    switch kind {
    case .linear: low + fraction * (high - low)
    case .logarithmic: low * pow(high / low, fraction)
    }
  }

  /// Round values within the scale, at most about `count`, at least one where there is any.
  public func ticks(about count: Int, _ format: NumberFormat) -> [Tick] {
    guard count > 0 else { return [] }
    return kind == .linear ? linearTicks(count, format) : logTicks(count, format)
  }

  private func linearTicks(_ count: Int, _ format: NumberFormat) -> [Tick] {
    let rough = (high - low) / Double(count)
    let power = pow(10, floor(log10(rough)))
    // The smallest of 1, 2, 5, 10 times a power of ten that gives few enough.
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
    let first = Int((low / step - 1e-9).rounded(.up))
    let last = Int((high / step + 1e-9).rounded(.down))
    guard first <= last, last - first < 1000 else { return [] }
    return (first...last).map { index in
      let value = Double(index) * step
      return Tick(value: value, label: format.tick(value, step: step))
    }
  }

  private func logTicks(_ count: Int, _ format: NumberFormat) -> [Tick] {
    let decades = log10(high / low)
    let exponents = Int(floor(log10(low)))...Int(ceil(log10(high)))
    func marks(_ multiples: [Double], every: Int = 1) -> [Tick] {
      var ticks: [Tick] = []
      for exponent in exponents where exponent % every == 0 {
        let power = pow(10, Double(exponent))
        for multiple in multiples {
          let value = multiple * power
          guard value >= low * 0.9999, value <= high * 1.0001 else { continue }
          // One and a half needs a digit more than its power of ten.
          let step = multiple == 1.5 ? power / 10 : power
          ticks.append(Tick(value: value, label: format.tick(value, step: step)))
        }
      }
      return ticks
    }
    if decades < 0.7 {
      // Less than a decade: the linear ticks are as round, and there are enough of them.
      let ticks = linearTicks(count, format).filter { $0.value > 0 }
      if !ticks.isEmpty { return ticks }
    }
    for multiples in [[1.0, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]] {
      let ticks = marks(multiples)
      if ticks.count <= count, !ticks.isEmpty { return ticks }
    }
    let every = max(1, Int((decades / Double(count)).rounded(.up)))
    return marks([1], every: every)
  }
}
