internal import Encoder
internal import Glibc
internal import Tensors

/// What the unpruned model makes of texts, kept on disk: it is the same for every run on them.
///
/// One file for each block of a corpus, named by the content: the weights, the way they are run, and the
/// tokens. A file appears whole or not at all and carries a checksum; one that does not hold what it
/// should is computed again. The least recently used files go when there are too many.
struct TeacherCache: Sendable {
  /// Nil keeps nothing.
  let directory: String?
  /// Bytes that the files may take together.
  let capacity: Int

  /// 512 MiB: embeddings of some 350 000 texts of 384 features.
  init(directory: String?, capacity: Int = 512 << 20) {
    self.directory = directory
    self.capacity = capacity
  }

  /// Embeddings of a corpus and how they came about.
  struct Result: Sendable {
    /// `[texts, hidden]`.
    var embeddings: Matrix
    var computedTexts: Int
    /// What went wrong with the cache, for a person; the embeddings are right all the same.
    var notes: [String]
  }

  /// Embeddings of all texts, from the cache where they are known.
  ///
  /// - Parameters:
  ///   - weights: what identifies the encoder, weights included.
  ///   - progress: called with the texts that are done.
  /// - Throws: `cancelled`; blocks that were finished are kept.
  func embeddings(
    of corpus: TrainingCorpus, by encoder: BERTEncoder, weights: String, threads: Int,
    isCancelled: () -> Bool = { false }, progress: (Int) -> Void = { _ in }
  ) throws(LaboratoryError) -> Result {
    let hidden = encoder.configuration.hidden
    var values: [Float] = []
    values.reserveCapacity(corpus.texts.count * hidden)
    var computed = 0
    var notes: [String] = []
    var canWrite = true
    for block in corpus.blocks {
      let texts = Array(corpus.texts[block])
      let path = path(of: texts, weights: weights)
      let known = path.flatMap { path in
        load(path, texts: texts.count, hidden: hidden, notes: &notes)
      }
      if let known {
        values += known.values
      } else {
        let fresh = try encode(texts, encoder, threads, isCancelled)
        if let path, canWrite { canWrite = store(fresh, path, notes: &notes) }
        values += fresh.values
        computed += texts.count
      }
      progress(block.upperBound)
    }
    return Result(
      embeddings: Matrix(rows: corpus.texts.count, columns: hidden, values: values),
      computedTexts: computed, notes: notes)
  }

  /// In pieces of fixed size, so that the last bits do not depend on who asks, and cancelling is soon.
  private func encode(
    _ texts: [[Int32]], _ encoder: BERTEncoder, _ threads: Int, _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> Matrix {
    var values: [Float] = []
    var first = 0
    while first < texts.count {
      if isCancelled() { throw .cancelled }
      let end = min(texts.count, first + 128)
      values += encoder.encode(tokens: Array(texts[first..<end]), threads: threads).values
      first = end
    }
    return Matrix(rows: texts.count, columns: encoder.configuration.hidden, values: values)
  }

  // MARK: Files

  private func path(of texts: [[Int32]], weights: String) -> String? {
    guard let directory else { return nil }
    var sum = SHA256Sum()
    sum.update("sparsity-tui teacher 1\n" + weights + "\n")
    for text in texts {
      sum.update(text.count)
      text.withUnsafeBytes { sum.update($0) }
    }
    return "\(directory)/\(sum.hexadecimal).safetensors"
  }

  private func load(
    _ path: String, texts: Int, hidden: Int, notes: inout [String]
  ) -> Matrix? {
    guard access(path, F_OK) == 0 else { return nil }
    do throws(TensorFileError) {
      let model = try Model.open(path)
      let matrix = try model.matrix(named: Self.tensor)
      let sum = try model.sha256(of: Self.tensor)
      guard matrix.rows == texts, matrix.columns == hidden, model.metadata["sha256"] == sum else {
        notes.append("\(path): is damaged and was computed again")
        return nil
      }
      // Marks it as used lately.
      utimensat(AT_FDCWD, path, nil, 0)
      return matrix
    } catch {
      notes.append("\(error.description); it was computed again")
      return nil
    }
  }

  /// A cache that cannot be written is no error: it is computed again next time, and said once.
  private func store(_ embeddings: Matrix, _ path: String, notes: inout [String]) -> Bool {
    guard let directory else { return false }
    makeDirectories(directory)
    makeRoom(for: embeddings.count * 4, in: directory)
    var sum = SHA256Sum()
    embeddings.values.withUnsafeBytes { sum.update($0) }
    var writer = SafetensorsWriter(metadata: ["sha256": sum.hexadecimal])
    writer.set(Self.tensor, embeddings)
    do throws(TensorFileError) { try writer.write(to: path, force: true) } catch {
      notes.append("\(error.description); the unpruned model's results are not kept")
      return false
    }
    return true
  }

  private static let tensor = "embeddings"

  /// Removes what was used longest ago until `bytes` more fit.
  private func makeRoom(for bytes: Int, in directory: String) {
    guard let handle = opendir(directory) else { return }
    defer { closedir(handle) }
    var files: [(used: Int, path: String, bytes: Int)] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      let path = directory + "/" + name
      var status = stat()
      guard name.hasSuffix(".safetensors"), stat(path, &status) == 0 else { continue }
      let used = status.st_mtim.tv_sec * 1_000_000 + status.st_mtim.tv_nsec / 1000
      files.append((used, path, Int(status.st_size)))
    }
    var total = files.reduce(bytes) { $0 + $1.bytes }
    for file in files.sorted(by: { $0.used < $1.used }) where total > capacity {
      if unlink(file.path) == 0 { total -= file.bytes }
    }
  }
}

/// Makes a directory and what leads to it, for this user only unless the mode says otherwise; the first
/// write tells if that failed.
func makeDirectories(_ directory: String, mode: mode_t = 0o700) {
  var partial = directory.hasPrefix("/") ? "" : "."
  for part in directory.split(separator: "/") {
    partial += "/" + part
    mkdir(partial, mode)
  }
}
