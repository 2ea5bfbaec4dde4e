internal import Benchmarking
internal import Encoder
internal import Experiments
internal import Glibc
internal import Tensors
internal import Training

/// A training on disk, whole or not at all: what a resumed run goes on from, bit for bit.
///
/// One line with the format and the SHA-256 of all that follows, one line of JSON, then the arrays that
/// the JSON lists, little-endian, one behind the other. Written aside and renamed.
struct TrainingCheckpoint {
  var header: Header
  var state: TrainerState
  /// Nil where the state itself is the best one.
  var best: TrainerState?

  struct Header: Codable {
    var plan: TrainingPlan
    /// SHA-256 of the model and of the texts' tokens.
    var model: String
    var texts: String
    var position: TrainingRun.Position
    var history: [TrainingResult.Point]
    var bestPoint: TrainingResult.Point?
    var bestChoosing: Double?
    var bestIsFinal: Bool?
    /// Of the state, and of the best one where that is another.
    var states: [State] = []
  }

  /// What of a state is no array, and which arrays follow.
  struct State: Codable {
    var step: Int
    var numbers: [String: Double]
    var arrays: [Array] = []
    /// Words of each mask, behind the arrays.
    var masks: [MaskShape] = []

    var bytes: Int {
      arrays.reduce(0) { $0 + $1.count * 4 }
        + masks.reduce(0) { $0 + $1.rows * (($1.columns + 63) / 64) * 8 }
    }
  }

  struct Array: Codable {
    var name: String
    var count: Int
  }

  struct MaskShape: Codable {
    var name: String
    var rows: Int
    var columns: Int
  }

  private static let magic = "sparsity-tui training 1 "

  // MARK: Writing

  func write(to path: String) throws(LaboratoryError) {
    var header = header
    var body: [UInt8] = []
    for state in [state] + (best.map { [$0] } ?? []) {
      var described = State(step: state.step, numbers: state.numbers)
      for (name, values) in state.arrays.sorted(by: { $0.key < $1.key }) {
        described.arrays.append(Array(name: name, count: values.count))
        values.withUnsafeBytes { body.append(contentsOf: $0) }
      }
      for (name, mask) in state.masks.sorted(by: { $0.key < $1.key }) {
        described.masks.append(MaskShape(name: name, rows: mask.rows, columns: mask.columns))
        mask.words.withUnsafeBytes { body.append(contentsOf: $0) }
      }
      header.states.append(described)
    }
    do {
      let json = [UInt8]((try JSONText.encode(header) + "\n").utf8)
      var sum = SHA256Sum()
      sum.update(json)
      sum.update(body)
      var file = try AtomicFile(path, force: true)
      try file.write([UInt8]((Self.magic + sum.hexadecimal + "\n").utf8))
      try file.write(json)
      try file.write(body)
      try file.commit()
    } catch let error as TensorFileError {
      throw .file(error)
    } catch { throw .training("\(path): the checkpoint cannot be written: \(error)") }
  }

  // MARK: Reading

  /// - Throws: `request` where there is none; `unreadable` for one that is damaged.
  init(contentsOf path: String) throws(LaboratoryError) {
    guard access(path, F_OK) == 0 else {
      throw .request("\(path): there is no checkpoint to go on from; leave --resume out to start")
    }
    let bytes: [UInt8]
    do { bytes = try OpenText.read(path) } catch { throw .unreadable(error.description) }
    func damaged(_ reason: String) -> LaboratoryError {
      .unreadable("\(path): \(reason); leave --resume out and say --force to start anew")
    }
    let magic = Swift.Array(Self.magic.utf8)
    guard bytes.starts(with: magic), let end = bytes.firstIndex(of: 0x0A) else {
      throw damaged("is no checkpoint of this version")
    }
    let rest = bytes[(end + 1)...]
    var sum = SHA256Sum()
    rest.withUnsafeBytes { sum.update($0) }
    guard String(decoding: bytes[magic.count..<end], as: UTF8.self) == sum.hexadecimal,
      let line = rest.firstIndex(of: 0x0A)
    else { throw damaged("is damaged or cut short") }
    do {
      header = try JSONText.decode(
        Header.self, from: String(decoding: rest[..<line], as: UTF8.self))
    } catch { throw damaged(error.description) }
    var states: [TrainerState] = []
    var offset = line + 1
    for described in header.states {
      guard described.arrays.allSatisfy({ $0.count >= 0 }),
        described.masks.allSatisfy({ $0.rows >= 0 && $0.columns >= 0 }),
        offset + described.bytes <= bytes.count
      else { throw damaged("lists arrays that it does not hold") }
      var state = TrainerState(
        step: described.step, arrays: [:], masks: [:], numbers: described.numbers)
      for array in described.arrays {
        state.arrays[array.name] = Self.values(bytes, &offset, count: array.count, zero: Float(0))
      }
      for shape in described.masks {
        var mask = Mask(rows: shape.rows, columns: shape.columns)
        mask.words = Self.values(bytes, &offset, count: mask.words.count, zero: UInt64(0))
        state.masks[shape.name] = mask
      }
      states.append(state)
    }
    guard let first = states.first, states.count <= 2 else { throw damaged("holds no state") }
    header.states = []
    state = first
    best = states.count == 2 ? states[1] : nil
  }

  init(header: Header, state: TrainerState, best: TrainerState?) {
    self.header = header
    self.state = state
    self.best = best
  }

  private static func values<Value: BitwiseCopyable>(
    _ bytes: [UInt8], _ offset: inout Int, count: Int, zero: Value
  ) -> [Value] {
    var result = Swift.Array(repeating: zero, count: count)
    let start = offset
    result.withUnsafeMutableBytes { target in
      bytes.withUnsafeBytes { source in
        target.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[start..<start + target.count]))
      }
    }
    offset += count * MemoryLayout<Value>.stride
    return result
  }
}

extension TrainingRun {
  static func checkpointPath(of output: String) -> String {
    var name = output
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    return name + ".training"
  }

  /// Beside the output; nil without one.
  var checkpointPath: String? { plan.output.map(Self.checkpointPath) }

  /// Whether there is something to go on from, before anything is computed.
  static func checkCheckpoint(of output: String) throws(LaboratoryError) {
    let path = checkpointPath(of: output)
    guard access(path, F_OK) == 0 else {
      throw .request("\(path): there is no checkpoint to go on from; leave --resume out to start")
    }
  }

  func writeCheckpoint() throws(LaboratoryError) {
    lastCheckpoint = clock.now()
    guard let path = checkpointPath else { return }
    let isBestNow = best?.point.step == position.step
    let header = TrainingCheckpoint.Header(
      plan: plan, model: experiment.encoder.modelIdentity, texts: material.identity,
      position: position, history: history, bestPoint: best?.point, bestChoosing: best?.choosing,
      bestIsFinal: best?.isFinal)
    let checkpoint = TrainingCheckpoint(
      header: header, state: trainer.state(), best: isBestNow ? nil : best?.state)
    try checkpoint.write(to: path)
  }

  func removeCheckpoint() {
    if let checkpointPath { unlink(checkpointPath) }
  }

  /// Goes on from the checkpoint beside the output.
  ///
  /// - Throws: `request` for a checkpoint of another plan, model or text. Learning rate, clip and threads
  ///   may differ: they are what one changes after a loss that was no number.
  func resume() throws(LaboratoryError) {
    guard let path = checkpointPath else { return }
    let found = try TrainingCheckpoint(contentsOf: path)
    let header = found.header
    guard header.plan.comparable == plan.comparable,
      header.model == experiment.encoder.modelIdentity, header.texts == material.identity
    else {
      throw .request(
        "\(path) belongs to another training (its plan, model or text differs); use the same flags, "
          + "or leave --resume out")
    }
    do throws(TrainingError) { try trainer.restore(found.state) } catch {
      throw .unreadable("\(path): \(error.description)")
    }
    let planned = header.plan.effectiveLearningRate
    position = header.position
    if plan.effectiveLearningRate != planned { position.learningRate = plan.effectiveLearningRate }
    history = header.history
    if let point = header.bestPoint, let choosing = header.bestChoosing,
      let isFinal = header.bestIsFinal
    {
      best = Best(
        point: point, choosing: choosing, isFinal: isFinal, state: found.best ?? found.state)
    }
  }
}

extension TrainingPlan {
  fileprivate var comparable: TrainingPlan {
    var copy = self
    copy.learningRate = nil
    copy.clip = 1
    copy.threads = 1
    copy.output = nil
    return copy
  }
}
