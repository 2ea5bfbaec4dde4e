import Glibc

extension Model {
  /// What an index may have; one of 100 000 tensors has 8 MB.
  private static let indexLimit = 100_000_000

  /// The model in a directory: `model.safetensors`, else its index, else the only safetensors.
  static func openDirectory(_ path: String) throws(TensorFileError) -> Model {
    let names = try entries(of: path)
    let base = path.hasSuffix("/") ? path : path + "/"
    var chosen = ["model.safetensors", "model.safetensors.index.json"].first(where: names.contains)
    if chosen == nil {
      let indices = names.filter { $0.hasSuffix(".safetensors.index.json") }
      let files = names.filter { $0.hasSuffix(".safetensors") }
      let candidates = indices.isEmpty ? files : indices
      guard candidates.count < 2 else {
        throw TensorFileError(path: path, problem: .severalModelsInDirectory(found: candidates))
      }
      chosen = candidates.first
    }
    guard let chosen else {
      throw TensorFileError(path: path, problem: .noModelInDirectory(found: names))
    }
    let model = try open(base + chosen)
    return Model(renaming: model, to: path)
  }

  private convenience init(renaming model: Model, to path: String) {
    self.init(
      path: path, files: model.files, directory: model.directory,
      stored: Array(model.stored.values), metadata: model.metadata, identity: model.identity)
  }

  private static func entries(of path: String) throws(TensorFileError) -> [String] {
    guard let directory = opendir(path) else {
      throw TensorFileError(path: path, problem: .cannotOpen(code: errno))
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return NaturalOrder.sorted(names) { $0 }
  }

  /// An index maps each tensor to the shard beside it that holds it. Shards are opened, their
  /// headers read and checked; tensors that the index does not name are left out.
  static func openShards(
    _ index: TensorFile, as path: String
  ) throws(TensorFileError) -> Model {
    guard index.size <= indexLimit else {
      throw index.error(
        .headerTooLong(part: "the index", length: index.size, limit: indexLimit))
    }
    let text = try index.bytes(at: 0, count: index.size)
    let parsed: Result<[String: [String]], TensorFileError> = text.withUnsafeBytes { bytes in
      Result { () throws(TensorFileError) in try shardMap(bytes, of: index) }
    }
    let tensorsByShard = try parsed.get()

    var identity = Identity()
    identity.add(header: text, size: index.size)
    var stored: [StoredTensor] = []
    var metadata: [String: String] = [:]
    var files = [path]
    for shard in NaturalOrder.sorted(Array(tensorsByShard.keys), by: { $0 }) {
      let file = try TensorFile(opening: directory(of: path) + "/" + shard)
      let contents = try Safetensors.read(file)
      identity.add(header: contents.header, size: file.size)
      metadata.merge(contents.metadata) { first, _ in first }
      files.append(file.path)
      let headers = Dictionary(contents.tensors.map { ($0.name, $0) }) { first, _ in first }
      for name in tensorsByShard[shard]! {
        guard let header = headers[name] else {
          throw index.error(.tensorNotInShard(tensor: name, shard: shard))
        }
        stored.append(StoredTensor(header: header, file: file))
      }
    }
    return Model(
      path: path, files: files, directory: directory(of: path), stored: stored, metadata: metadata,
      identity: identity.text)
  }

  private static func shardMap(
    _ text: UnsafeRawBufferPointer, of index: TensorFile
  ) throws(TensorFileError) -> [String: [String]] {
    var cursor = JSONCursor(text, path: index.path)
    var shards: [String: [String]] = [:]
    var seen: Set<String> = []
    var hasMap = false
    try cursor.forEachMember { (cursor: inout JSONCursor, key, offset) throws(TensorFileError) in
      guard key == "weight_map" else { return try cursor.skipValue() }
      guard !hasMap else { throw index.error(.duplicateName(key, offset: offset)) }
      hasMap = true
      try cursor.forEachMember { (cursor: inout JSONCursor, name, offset) throws(TensorFileError) in
        let shard = try cursor.string()
        guard seen.insert(name).inserted else {
          throw index.error(.duplicateName(name, offset: offset))
        }
        guard seen.count <= Safetensors.tensorLimit else {
          throw index.error(.tooManyTensors(limit: Safetensors.tensorLimit))
        }
        let isPlain = !shard.isEmpty && !shard.utf8.contains { $0 == 0x2F || $0 == 0 }
        guard isPlain, shard != ".", shard != ".." else {
          throw index.error(.shardNotBeside(tensor: name, shard: shard))
        }
        shards[shard, default: []].append(name)
      }
    }
    try cursor.expectEnd()
    guard hasMap else {
      throw index.error(
        .missingField("weight_map", of: "the index", offset: cursor.offset))
    }
    return shards
  }
}
