internal import Glibc

/// Numbers as people read them: three significant digits, units, never a locale. For screens, not
/// for files.
public enum Figures {
  /// What stands where a number is not known.
  public static let missing = "–"

  /// `0.412`, `12.3`, `1 230`, `1.2e-5`: `digits` significant digits.
  public static func plain(_ value: Double?, digits: Int = 3) -> String {
    guard let value, !value.isNaN else { return missing }
    guard value.isFinite else { return value < 0 ? "-∞" : "∞" }
    guard value != 0 else { return "0" }
    let exponent = Int(floor(log10(abs(value)) + 1e-12))
    if exponent < -4 || exponent >= 15 {
      var mantissa = value / pow(10, Double(exponent))
      var exponent = exponent
      if fixed(abs(mantissa), digits - 1).hasPrefix("10") {
        mantissa /= 10
        exponent += 1
      }
      return fixed(mantissa, digits - 1) + "e\(exponent)"
    }
    let rounded = fixed(value, max(0, digits - 1 - exponent))
    // 9.996 rounds to 10.00, one digit more than was asked for.
    if abs(value) < 1e6, rounded.filter(\.isNumber).drop(while: { $0 == "0" }).count > digits,
      exponent < digits - 1, exponent >= -1
    {
      return fixed(value, max(0, digits - 2 - exponent))
    }
    return abs(value) >= 10_000 ? grouped(rounded) : rounded
  }

  /// `2.31x`.
  public static func ratio(_ value: Double?) -> String {
    guard let value, !value.isNaN else { return missing }
    return value < 10
      ? fixed(value, 2) + "x"
      : value < 100
        ? fixed(value, 1) + "x"
        : plain(value) + "x"
  }

  /// `80.0 %` of a fraction.
  public static func percent(_ fraction: Double?, places: Int = 1) -> String {
    guard let fraction, fraction.isFinite else { return missing }
    return fixed(fraction * 100, places) + " %"
  }

  /// `512 µs` of nanoseconds, from `ns` to `s`; `2 min 05 s` from 100 s on.
  public static func duration(nanoseconds: Double?) -> String {
    guard let nanoseconds, nanoseconds.isFinite else { return missing }
    let size = abs(nanoseconds)
    if size < 999.5 { return plain(nanoseconds) + " ns" }
    if size < 999.5e3 { return plain(nanoseconds / 1e3) + " µs" }
    if size < 999.5e6 { return plain(nanoseconds / 1e6) + " ms" }
    if size < 99.95e9 { return plain(nanoseconds / 1e9) + " s" }
    guard size < 9e18 else { return "∞" }
    let seconds = Int((nanoseconds / 1e9).rounded())
    if seconds < 3600 { return "\(seconds / 60) min \(twoDigits(seconds % 60)) s" }
    return "\(seconds / 3600) h \(twoDigits(seconds / 60 % 60)) min"
  }

  /// `1.2 MB`: decimal units, as disks and bandwidths are counted.
  public static func bytes(_ count: Double?) -> String {
    scaled(count, ["B", "kB", "MB", "GB", "TB", "PB"])
  }

  /// `61.2 GFLOP/s` and the like: `unit` with a decimal prefix.
  public static func rate(_ value: Double?, _ unit: String) -> String {
    scaled(value, ["", "k", "M", "G", "T", "P"].map { $0 + unit })
  }

  /// `1 204 224`: digits in threes.
  public static func count(_ value: Int) -> String { grouped(String(value)) }

  /// `value` with `places` digits after the point, rounded half away from zero.
  public static func fixed(_ value: Double, _ places: Int) -> String {
    guard value.isFinite else { return value.isNaN ? missing : value < 0 ? "-∞" : "∞" }
    let scale = pow(10, Double(max(0, places))).rounded()
    // A decimal such as 2.675 lies just below its tie in binary; a person means the tie.
    let exact = abs(value) * scale
    let scaled = (exact * (1 + 4 * Double.ulpOfOne)).rounded()
    guard scaled < 9e18 else { return value.description }
    let digits = UInt64(scaled)
    let sign = value < 0 && digits > 0 ? "-" : ""
    guard places > 0 else { return sign + String(digits) }
    let fraction = String(digits % UInt64(scale))
    return sign + String(digits / UInt64(scale)) + "."
      + String(repeating: "0", count: places - fraction.count) + fraction
  }

  private static func scaled(_ value: Double?, _ units: [String]) -> String {
    guard var value, value.isFinite else { return missing }
    var unit = 0
    while abs(value) >= 999.5, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return (unit == 0 ? fixed(value, value == value.rounded() ? 0 : 1) : plain(value))
      + " " + units[unit]
  }

  private static func grouped(_ digits: String) -> String {
    let sign = digits.hasPrefix("-") ? "-" : ""
    let parts = digits.dropFirst(sign.count).split(separator: ".", maxSplits: 1)
    let whole = Array(parts.first ?? "0")
    var text = sign
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { text += " " }
      text.append(digit)
    }
    return parts.count > 1 ? text + "." + parts[1] : text
  }

  private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
