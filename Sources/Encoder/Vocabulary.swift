/// The pieces of a WordPiece vocabulary, found by their bytes.
///
/// An open-addressing table from the hash of a piece to its id. The hash can be extended byte by
/// byte, so the hashes of all prefixes of a word cost one pass, and the longest match is found by
/// looking prefixes up from the longest down.
struct Vocabulary: Sendable {
  /// Longest piece, in bytes.
  private(set) var longest = 0
  let count: Int
  private var bytes: [UInt8] = []
  /// Where piece `i` begins in `bytes`; one more than there are pieces.
  private var starts: [UInt32] = [0]
  /// Hash in the upper half, id + 1 in the lower; 0 is free.
  private var slots: [UInt64]
  private let mask: Int

  static let prefix: [UInt8] = [35, 35]
  static let wordSeed: UInt64 = 0xCBF2_9CE4_8422_2325
  static let continuationSeed = extend(extend(wordSeed, 35), 35)

  @inline(__always)
  static func extend(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x100_0000_01B3
  }

  /// - Parameter pieces: UTF-8 of each id; where a piece stands twice, its last id counts, as in
  ///   the reference.
  init(pieces: [ArraySlice<UInt8>]) {
    count = pieces.count
    var capacity = 64
    while capacity < pieces.count * 3 { capacity *= 2 }
    mask = capacity - 1
    slots = Array(repeating: 0, count: capacity)
    bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
    starts.reserveCapacity(pieces.count + 1)
    for piece in pieces {
      bytes.append(contentsOf: piece)
      starts.append(UInt32(bytes.count))
      longest = max(longest, piece.count)
    }
    for id in 0..<count { insert(id) }
  }

  private mutating func insert(_ id: Int) {
    let piece = bytes[Int(starts[id])..<Int(starts[id + 1])]
    let hash = piece.reduce(Self.wordSeed) { Self.extend($0, $1) }
    var slot = Self.slot(hash) & mask
    while slots[slot] != 0 {
      let other = Int(UInt32(truncatingIfNeeded: slots[slot])) - 1
      if (slots[slot] ^ hash) >> 32 == 0, self.piece(other).elementsEqual(piece) { break }
      slot = (slot + 1) & mask
    }
    slots[slot] = (hash & ~0xFFFF_FFFF) | UInt64(id + 1)
  }

  @inline(__always)
  private static func slot(_ hash: UInt64) -> Int {
    Int(truncatingIfNeeded: ((hash ^ (hash >> 29)) &* 0x9E37_79B9_7F4A_7C15) >> 20)
  }

  /// The bytes of a piece, `##` included.
  func piece(_ id: Int) -> ArraySlice<UInt8> { bytes[Int(starts[id])..<Int(starts[id + 1])] }

  /// The id of a piece given its hash, its bytes without `##`, and whether `##` goes before them.
  @inline(__always)
  func find(_ hash: UInt64, _ text: UnsafeBufferPointer<UInt8>, continues: Bool) -> Int? {
    var slot = Self.slot(hash) & mask
    while slots[slot] != 0 {
      if (slots[slot] ^ hash) >> 32 == 0 {
        let id = Int(UInt32(truncatingIfNeeded: slots[slot])) - 1
        if matches(id, text, continues: continues) { return id }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private func matches(
    _ id: Int, _ text: UnsafeBufferPointer<UInt8>, continues: Bool
  ) -> Bool {
    var start = Int(starts[id])
    let end = Int(starts[id + 1])
    if continues {
      guard end - start == text.count + 2, bytes[start] == 35, bytes[start + 1] == 35 else {
        return false
      }
      start += 2
    }
    guard end - start == text.count else { return false }
    for offset in 0..<text.count where bytes[start + offset] != text[offset] { return false }
    return true
  }

  /// The id of a whole piece.
  func find(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    let hash = bytes.reduce(Self.wordSeed) { Self.extend($0, $1) }
    return bytes.withUnsafeBufferPointer { find(hash, $0, continues: false) }
  }
}
