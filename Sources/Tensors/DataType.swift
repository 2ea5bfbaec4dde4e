/// The element type of a stored tensor, by its name in safetensors (`F32`, `BF16`, `I64`, …).
///
/// A name that is not known is kept as it stands: such a tensor is listed and copied, not loaded.
public struct DataType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let f32 = DataType(rawValue: "F32")
  public static let f16 = DataType(rawValue: "F16")
  public static let bf16 = DataType(rawValue: "BF16")
  public static let bool = DataType(rawValue: "BOOL")

  public var description: String { rawValue }

  /// Bits of one element; nil for a type that is not known.
  public var bits: Int? {
    switch rawValue {
    case "F4": 4
    case "F6_E2M3", "F6_E3M2": 6
    case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E5M2FNUZ", "F8_E4M3FNUZ": 8
    case "I16", "U16", "F16", "BF16": 16
    case "I32", "U32", "F32": 32
    case "I64", "U64", "F64", "C64": 64
    default: nil
    }
  }

  /// Whether tensors of this type become a `Matrix`: F32, F16 and BF16 do.
  public var isLoadable: Bool { self == .f32 || self == .f16 || self == .bf16 }

  /// Bytes of `count` elements, rounded up to whole bytes; nil when the type is not known or the
  /// product does not fit.
  func bytes(of count: Int) -> Int? {
    guard let bits else { return nil }
    let (total, overflow) = count.multipliedReportingOverflow(by: bits)
    return overflow ? nil : total / 8 + (total % 8 == 0 ? 0 : 1)
  }
}
