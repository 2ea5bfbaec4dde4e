/// Numbers as text for files: the shortest decimal that reads back as the same value, in any locale.
public enum NumberText {
  /// `0.8`, `2`, `1e-07`; whole numbers below 2^53 without a point.
  public static func shortest(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 9_007_199_254_740_992 {
      return value == 0 && value.sign == .minus ? "-0" : String(Int(value))
    }
    return value.description
  }

  /// `value` with `places` digits after the point, rounded half away from zero; for people, not files.
  public static func fixed(_ value: Double, _ places: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 9e18 else { return value.description }
    let digits = UInt64(scaled)
    let unit = UInt64(scale)
    let sign = value < 0 && digits > 0 ? "-" : ""
    guard places > 0 else { return sign + String(digits) }
    let fraction = String(digits % unit)
    return sign + String(digits / unit) + "."
      + String(repeating: "0", count: places - fraction.count) + fraction
  }
}
