import Crypto

/// A running SHA-256 with a hexadecimal result.
public struct SHA256Sum {
  private var hash = SHA256()

  public init() {}

  public mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  public mutating func update(_ text: String) { update(Array(text.utf8)) }

  /// As eight little-endian bytes.
  public mutating func update(_ number: Int) {
    withUnsafeBytes(of: UInt64(number).littleEndian) { update($0) }
  }

  /// Lower-case hexadecimal, 64 digits.
  public var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in hash.finalize() {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
