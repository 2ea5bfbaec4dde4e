import Glibc

extension TensorFileError {
  /// One sentence: the file, what is wrong and where, what was expected and found, what to do.
  public var description: String { "\(path): \(problem)" }
}

extension TensorFileError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .cannotOpen(let code):
      "cannot be opened: \(systemText(code)); check the path and its permissions"
    case .cannotRead(let offset, let code):
      "cannot be read at byte \(grouped(offset)): \(systemText(code))"
    case .isDirectory:
      "is a directory where a file was expected"
    case .notRegular:
      "is a device or a pipe, not a file; save the tensors to a file first"
    case .unknownKind(let bytes):
      "is not safetensors, npy or npz: it begins with \(quoted(bytes)); "
        + "convert it with the safetensors Python library"
    case .noModelInDirectory(let found):
      "holds no model.safetensors, no model.safetensors.index.json and no other .safetensors file"
        + (found.isEmpty ? " (it is empty)" : "; it holds \(listed(found))")
    case .severalModelsInDirectory(let found):
      "holds several models and no index: name one of \(listed(found))"
    case .changed(let size, let found):
      "changed after it was opened: it had \(grouped(size)) bytes and has \(grouped(found)); "
        + "open it again"
    case .cutShort(let part, let end, let size):
      "\(part) ends at byte \(grouped(end)) but the file has \(grouped(size)): it is cut short; "
        + "download or save it again"
    case .headerTooLong, .malformed, .notUTF8, .nestedTooDeep, .numberTooLarge, .duplicateName,
      .missingField, .tooManyTensors:
      headerText
    case .shapeTooLarge, .sizeDiffers, .endsBeforeItBegins, .tensorCutShort, .overlap, .gap,
      .bytesBehindEnd, .noSuchTensor, .notLoadable, .wrongDimensions:
      tensorText
    case .shardNotBeside, .tensorNotInShard, .compressed, .encrypted, .checksumDiffers,
      .notSynthetic, .syntheticTooLarge:
      containerText
    case .noActivations, .activationsDiffer, .tooFewRows, .exists, .cannotWrite, .shapeDiffers,
      .notRepresentable, .raggedBlocks, .tooLargeForArchive:
      useText
    }
  }

  private var headerText: String {
    switch self {
    case .headerTooLong(let part, let length, let limit):
      "\(part) claims \(grouped(length)) bytes, more than the \(grouped(limit)) allowed: "
        + "it is damaged or not of this format"
    case .malformed(let offset, let expected, let found):
      "at byte \(grouped(offset)): expected \(expected), found \(found); the file is damaged"
    case .notUTF8(let offset):
      "at byte \(grouped(offset)): the text is not UTF-8; the file is damaged"
    case .nestedTooDeep(let offset, let limit):
      "at byte \(grouped(offset)): values nest deeper than \(limit); the file is damaged"
    case .numberTooLarge(let offset, let limit):
      "at byte \(grouped(offset)): the number is larger than \(grouped(limit)); "
        + "the file is damaged"
    case .duplicateName(let name, let offset):
      "at byte \(grouped(offset)): the name \(quoted(name)) stands a second time; "
        + "write the file again with each name once"
    case .missingField(let field, let owner, let offset):
      "\(owner) has no \(quoted(field)) (it ends at byte \(grouped(offset))); write the file again"
    case .tooManyTensors(let limit):
      "names more than \(grouped(limit)) tensors; split it into shards"
    default: ""
    }
  }

  private var tensorText: String {
    switch self {
    case .shapeTooLarge(let tensor, let shape):
      "tensor \(quoted(tensor)) has shape \(shape), more elements than can be addressed; "
        + "the header is damaged"
    case .sizeDiffers(let tensor, let dtype, let shape, let expected, let found):
      "tensor \(quoted(tensor)) of shape \(shape) and type \(dtype) needs \(grouped(expected)) "
        + "bytes but the file gives it \(grouped(found)); write the file again"
    case .endsBeforeItBegins(let tensor, let begin, let end):
      "tensor \(quoted(tensor)) begins at byte \(grouped(begin)) and ends before it, at "
        + "\(grouped(end)); the header is damaged"
    case .tensorCutShort(let tensor, let end, let size):
      "tensor \(quoted(tensor)) ends at byte \(grouped(end)) but the file has \(grouped(size)): "
        + "it is cut short; download it again"
    case .overlap(let tensor, let other, let offset):
      "tensors \(quoted(other)) and \(quoted(tensor)) overlap at byte \(grouped(offset)); "
        + "write the file again"
    case .gap(let before, let expected, let found):
      "tensor \(quoted(before)) begins at byte \(grouped(found)) and byte \(grouped(expected)) was "
        + "expected: bytes between belong to no tensor; write the file again"
    case .bytesBehindEnd(let expected, let found):
      "has \(grouped(found)) bytes but its tensors end at byte \(grouped(expected)); "
        + "write the file again"
    case .noSuchTensor(let name, let known):
      "has no tensor \(quoted(name))"
        + (known.isEmpty ? "; it holds none" : "; it holds \(listed(known))")
    case .notLoadable(let tensor, let dtype):
      "tensor \(quoted(tensor)) has type \(dtype); F32, F16 and BF16 can be loaded, "
        + "convert it to one of them"
    case .wrongDimensions(let tensor, let shape, let wanted):
      "tensor \(quoted(tensor)) has shape \(shape) where \(wanted) "
        + (wanted == 1 ? "dimension was" : "dimensions were") + " expected"
    default: ""
    }
  }

  private var containerText: String {
    switch self {
    case .shardNotBeside(let tensor, let shard):
      "tensor \(quoted(tensor)) is said to be in \(quoted(shard)), which is not the plain name of "
        + "a file beside the index; correct the index"
    case .tensorNotInShard(let tensor, let shard):
      "tensor \(quoted(tensor)) is said to be in \(quoted(shard)), which does not hold it; "
        + "index and shards are not of one download"
    case .compressed(let entry, let method):
      "entry \(quoted(entry)) is compressed (ZIP method \(method)); save with numpy.savez, or "
        + "scipy.sparse.save_npz(…, compressed=False)"
    case .encrypted(let entry):
      "entry \(quoted(entry)) is encrypted; save it without a password"
    case .checksumDiffers(let tensor, let expected, let found):
      "the bytes of \(quoted(tensor)) have CRC-32 \(hexadecimal(found)) where the archive says "
        + "\(hexadecimal(expected)): the file is damaged; save it again"
    case .notSynthetic(let text):
      "\(quoted(text)) is not a synthetic model: write synthetic:ROWSxCOLUMNS or "
        + "synthetic:ROWSxCOLUMNS:SEED, for instance synthetic:768x768:1"
    case .syntheticTooLarge(let rows, let columns, let sideLimit, let limit):
      "\(grouped(rows)) x \(grouped(columns)) is too large: a synthetic model has at most "
        + "\(grouped(sideLimit)) rows or columns and \(grouped(limit)) weights"
    default: ""
    }
  }

  private var useText: String {
    switch self {
    case .noActivations(let found):
      "holds no activations: expected one matrix [tokens, features] of F32, F16 or BF16, or such "
        + "matrices named calibration.INPUT and evaluation.INPUT; it holds \(listed(found))"
    case .activationsDiffer(let input, let expected, let found):
      "activations of \(quoted(input)) have shape \(found) where \(expected) was expected"
    case .tooFewRows(let rows, let needed):
      "holds \(rows) rows of activations; at least \(needed) are needed to calibrate and evaluate"
    case .exists:
      "exists already; give another name, or --force to replace it"
    case .cannotWrite(let code):
      "cannot be written: \(systemText(code)); nothing was left under this name"
    case .shapeDiffers(let tensor, let expected, let found):
      "tensor \(quoted(tensor)) has shape \(found) where \(expected) was expected"
    case .notRepresentable(let tensor, let index, let value, let dtype):
      "tensor \(quoted(tensor)): element \(grouped(index)) is \(value), beyond the range of "
        + "\(dtype); write it as F32"
    case .raggedBlocks(let rows, let columns, let blockRows, let blockColumns):
      "a SciPy BSR matrix holds whole blocks only and \(rows)x\(columns) is not divisible by "
        + "\(blockRows)x\(blockColumns); export it as CSR"
    case .tooLargeForArchive(let bytes):
      "an entry of \(grouped(bytes)) bytes does not fit an .npz (4 294 967 294); export .npy or "
        + ".safetensors"
    default: ""
    }
  }
}

private func systemText(_ code: Int32) -> String { String(cString: strerror(code)) }

private func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}

/// `1204224` as `1 204 224`.
func grouped(_ number: Int) -> String {
  let digits = Array(String(number.magnitude))
  var text = number < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0 { text.append(" ") }
    text.append(digit)
  }
  return text
}

/// `name` in quotes on one line, control characters escaped, cut at 200 characters.
func quoted(_ name: String) -> String {
  var text = ""
  for scalar in name.unicodeScalars.prefix(200) {
    if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
      text += "\\u{" + String(scalar.value, radix: 16) + "}"
    } else {
      text.unicodeScalars.append(scalar)
    }
  }
  return "\"" + text + (name.unicodeScalars.count > 200 ? "…" : "") + "\""
}

private func quoted(_ bytes: [UInt8]) -> String {
  bytes.isEmpty ? "nothing (it is empty)" : quoted(String(decoding: bytes, as: UTF8.self))
}

/// Up to six names, and how many more there are.
func listed(_ names: [String]) -> String {
  let shown = names.prefix(6).map { quoted($0) }.joined(separator: ", ")
  return names.count > 6 ? shown + " and \(names.count - 6) more" : shown
}
