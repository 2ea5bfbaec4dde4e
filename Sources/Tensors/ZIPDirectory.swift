/// The entries of a ZIP archive by its central directory (PKWARE APPNOTE 6.3, sections 4.3, 4.5.3).
enum ZIPDirectory {
  struct Entry {
    var name: String
    /// Where its bytes stand, stored without compression.
    var start: Int
    var end: Int
    var checksum: UInt32
  }

  struct Contents {
    var entries: [Entry] = []
    /// The central directory: names, sizes and checksums of all entries.
    var directory: [UInt8] = []
  }

  static let directoryLimit = 100_000_000

  static func read(_ file: TensorFile) throws(TensorFileError) -> Contents {
    let end = try endRecord(of: file)
    let part = "the central directory"
    guard end.size <= directoryLimit else {
      throw file.error(.headerTooLong(part: part, length: end.size, limit: directoryLimit))
    }
    guard end.offset <= end.record, end.size <= end.record - end.offset else {
      throw file.error(.cutShort(part: part, end: end.record, size: end.offset))
    }
    var contents = Contents()
    contents.directory = try file.bytes(at: end.offset, count: end.size)
    let directory = LittleEndian(contents.directory)
    var position = 0
    var names: Set<String> = []
    while position < end.size {
      let offset = end.offset + position
      guard position + 46 <= end.size, directory.u32(position) == 0x0201_4B50 else {
        throw file.error(
          .malformed(offset: offset, expected: "an entry of the directory", found: "other bytes"))
      }
      let nameLength = directory.u16(position + 28)
      let next =
        position + 46 + nameLength + directory.u16(position + 30)
        + directory.u16(position + 32)
      guard next <= end.size else {
        throw file.error(.cutShort(part: part, end: end.offset + next, size: end.record))
      }
      let nameBytes = contents.directory[position + 46..<position + 46 + nameLength]
      guard let name = String(validating: nameBytes, as: UTF8.self) else {
        throw file.error(.notUTF8(offset: offset + 46))
      }
      guard names.insert(name).inserted else {
        throw file.error(.duplicateName(name, offset: offset + 46))
      }
      guard names.count <= Safetensors.tensorLimit else {
        throw file.error(.tooManyTensors(limit: Safetensors.tensorLimit))
      }
      contents.entries.append(
        try entry(name, directory, at: position, next: next, of: file, limit: end.offset))
      position = next
    }
    return contents
  }

  private static func entry(
    _ name: String, _ directory: LittleEndian, at position: Int, next: Int, of file: TensorFile,
    limit: Int
  ) throws(TensorFileError) -> Entry {
    guard directory.u16(position + 8) & 1 == 0 else { throw file.error(.encrypted(entry: name)) }
    let method = directory.u16(position + 10)
    guard method == 0 else { throw file.error(.compressed(entry: name, method: method)) }
    var stored = UInt64(directory.u32(position + 20))
    var size = UInt64(directory.u32(position + 24))
    var local = UInt64(directory.u32(position + 42))
    // ZIP64: fields that are all ones stand in the extra field of kind 1, in this order.
    var extra = position + 46 + directory.u16(position + 28)
    let extraEnd = extra + directory.u16(position + 30)
    while extra + 4 <= extraEnd {
      let length = directory.u16(extra + 2)
      let fieldEnd = min(extra + 4 + length, extraEnd)
      if directory.u16(extra) == 1 {
        var field = extra + 4
        func wide(_ value: UInt64) -> UInt64 {
          guard value == 0xFFFF_FFFF, field + 8 <= fieldEnd else { return value }
          defer { field += 8 }
          return directory.u64(field)
        }
        size = wide(size)
        stored = wide(stored)
        local = wide(local)
      }
      extra += 4 + length
    }
    let part = "entry \(quoted(name))"
    guard local <= UInt64(limit), limit - Int(local) >= 30 else {
      throw file.error(.cutShort(part: part, end: Int(clamping: local), size: limit))
    }
    let header = LittleEndian(try file.bytes(at: Int(local), count: 30))
    guard header.u32(0) == 0x0403_4B50 else {
      throw file.error(
        .malformed(offset: Int(local), expected: "the header of \(part)", found: "other bytes"))
    }
    let start = Int(local) + 30 + header.u16(26) + header.u16(28)
    guard size == stored, start <= limit, size <= UInt64(limit - start) else {
      let end = UInt64(start).addingReportingOverflow(size)
      throw file.error(
        .cutShort(
          part: part, end: end.overflow ? .max : Int(clamping: end.partialValue), size: limit))
    }
    return Entry(
      name: name, start: start, end: start + Int(size), checksum: directory.u32(position + 16))
  }

  private struct EndRecord {
    var offset: Int
    var size: Int
    /// Where the record itself begins: the directory ends before it.
    var record: Int
  }

  /// The record at the very end, searched backwards over a comment of up to 65 535 bytes.
  private static func endRecord(of file: TensorFile) throws(TensorFileError) -> EndRecord {
    let part = "the directory of the archive"
    guard file.size >= 22 else {
      throw file.error(.cutShort(part: part, end: 22, size: file.size))
    }
    let tailStart = max(0, file.size - 22 - 65_535)
    let tail = LittleEndian(try file.bytes(at: tailStart, count: file.size - tailStart))
    var at = tail.bytes.count - 22
    while at >= 0 {
      if tail.u32(at) == 0x0605_4B50, at + 22 + tail.u16(at + 20) == tail.bytes.count { break }
      at -= 1
    }
    guard at >= 0 else {
      throw file.error(
        .malformed(
          offset: file.size - 22, expected: "the end record of a ZIP archive",
          found: "none: the file is cut short or has bytes behind its end"))
    }
    let size = Int(tail.u32(at + 12))
    let offset = Int(tail.u32(at + 16))
    let record = tailStart + at
    guard size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF, record >= 20 else {
      return EndRecord(offset: offset, size: size, record: record)
    }
    let locator = LittleEndian(try file.bytes(at: record - 20, count: 20))
    let wideAt = locator.u64(8)
    guard locator.u32(0) == 0x0706_4B50, record >= 76, wideAt <= UInt64(record - 76) else {
      throw file.error(
        .malformed(offset: record - 20, expected: "a ZIP64 locator", found: "other bytes"))
    }
    let wide = LittleEndian(try file.bytes(at: Int(wideAt), count: 56))
    guard wide.u32(0) == 0x0606_4B50 else {
      throw file.error(
        .malformed(offset: Int(wideAt), expected: "a ZIP64 end record", found: "other bytes"))
    }
    return EndRecord(
      offset: Int(clamping: wide.u64(48)), size: Int(clamping: wide.u64(40)),
      record: Int(wideAt))
  }
}

/// Unsigned little-endian numbers at any offset.
struct LittleEndian {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func u16(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }
  func u32(_ offset: Int) -> UInt32 { UInt32(u16(offset)) | UInt32(u16(offset + 2)) << 16 }
  func u64(_ offset: Int) -> UInt64 { UInt64(u32(offset)) | UInt64(u32(offset + 4)) << 32 }
}
