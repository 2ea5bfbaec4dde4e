import Encoder
public import Tensors

/// Everything that another trainer of the same layers needs to go on as if nothing had happened, bit for
/// bit: weights, Adam's moments, masks, and where the schedules stand. Settings are not part of it.
public struct TrainerState: Hashable, Sendable {
  public var step: Int
  /// Weights and moments by name: `TENSOR weight|mean|square` in row-major order of the matrix, pruned
  /// ones 0.
  public var arrays: [String: [Float]]
  /// By layer name, of the pruned layers.
  public var masks: [String: Mask]
  /// Single numbers of the schedules, by name.
  public var numbers: [String: Double]

  public init(
    step: Int, arrays: [String: [Float]], masks: [String: Mask], numbers: [String: Double]
  ) {
    self.step = step
    self.arrays = arrays
    self.masks = masks
    self.numbers = numbers
  }
}

extension EncoderTrainer {
  private static let kinds = ["weight", "mean", "square"]

  private var rows: [UnsafeMutablePointer<Float>] {
    [parameters.values, parameters.means, parameters.squares]
  }

  /// The trainer as it stands.
  public func state() -> TrainerState {
    var state = TrainerState(step: stepsDone, arrays: [:], masks: [:], numbers: [:])
    for (kind, row) in zip(Self.kinds, rows) {
      for linear in linears {
        if let offset = linear.weightOffset {
          state.arrays["\(linear.layer.name) \(kind)"] = linear.unpack(row + offset).values
        }
        if let offset = linear.biasOffset {
          state.arrays["\(linear.layer.bias) \(kind)"] = Self.array(row + offset, linear.layer.rows)
        }
      }
      for one in normalizations {
        guard let offset = one.offset else { continue }
        let count = one.scale.count
        state.arrays["\(one.source.scaleName) \(kind)"] = Self.array(row + offset, count)
        state.arrays["\(one.source.shiftName) \(kind)"] = Self.array(row + offset + count, count)
      }
    }
    for linear in linears where trained[linear.layer.name] != nil {
      state.masks[linear.layer.name] = linear.mask
    }
    state.numbers["lambda"] = maskState.lambda
    state.numbers["progress"] = maskState.progress
    state.numbers["masks are final"] = maskState.isFinal ? 1 : 0
    for (name, value) in maskState.strongest { state.numbers["\(name) strongest"] = value }
    for (name, dead) in deadUnits {
      state.arrays["\(name) dead"] = dead.map { $0 ? 1 : 0 }
    }
    return state
  }

  /// Goes on from a state.
  ///
  /// - Throws: `state` when it is of other layers; nothing is changed then.
  public func restore(_ state: TrainerState) throws(TrainingError) {
    func refuse(_ name: String, _ reason: String) -> TrainingError {
      .state(name: name, reason: reason)
    }
    guard Set(state.masks.keys) == Set(names) else {
      let other = Set(state.masks.keys).symmetricDifference(names).sorted()[0]
      throw refuse(other, "it is pruned in only one of the two")
    }
    for linear in linears {
      if let mask = state.masks[linear.layer.name],
        mask.rows != linear.layer.rows || mask.columns != linear.layer.columns
      {
        throw refuse(linear.layer.name, "its mask is \(mask.rows)x\(mask.columns)")
      }
    }
    for (name, count) in expected {
      for kind in Self.kinds {
        let found = state.arrays["\(name) \(kind)"]?.count
        guard found == count else {
          throw refuse(
            name, found.map { "\($0) values of its \(kind) instead of \(count)" } ?? "it is missing"
          )
        }
      }
    }
    try replaceMasks(state.masks)
    for (kind, row) in zip(Self.kinds, rows) {
      for linear in linears {
        if let offset = linear.weightOffset {
          let matrix = Matrix(
            rows: linear.layer.rows, columns: linear.layer.columns,
            values: state.arrays["\(linear.layer.name) \(kind)"]!)
          var packed = [Float](repeating: 0, count: linear.count)
          linear.pack(matrix, into: &packed)
          Self.write(packed, to: row + offset)
        }
        if let offset = linear.biasOffset {
          Self.write(state.arrays["\(linear.layer.bias) \(kind)"]!, to: row + offset)
        }
      }
      for one in normalizations {
        guard let offset = one.offset else { continue }
        Self.write(state.arrays["\(one.source.scaleName) \(kind)"]!, to: row + offset)
        Self.write(
          state.arrays["\(one.source.shiftName) \(kind)"]!, to: row + offset + one.scale.count)
      }
    }
    stepsDone = state.step
    maskState = MaskState()
    maskState.lambda = state.numbers["lambda"] ?? 0
    maskState.progress = state.numbers["progress"] ?? 0
    maskState.isFinal = state.numbers["masks are final"] == 1
    deadUnits = [:]
    for name in names {
      maskState.strongest[name] = state.numbers["\(name) strongest"]
      deadUnits[name] = state.arrays["\(name) dead"]?.map { $0 == 1 }
    }
    refresh()
  }

  /// Names and numbers of values of everything that is trained.
  private var expected: [String: Int] {
    var result: [String: Int] = [:]
    for linear in linears {
      if linear.weightOffset != nil {
        result[linear.layer.name] = linear.layer.rows * linear.layer.columns
      }
      if linear.biasOffset != nil { result[linear.layer.bias] = linear.layer.rows }
    }
    for one in normalizations where one.offset != nil {
      result[one.source.scaleName] = one.scale.count
      result[one.source.shiftName] = one.shift.count
    }
    return result
  }

  private static func array(_ pointer: UnsafePointer<Float>, _ count: Int) -> [Float] {
    (0..<count).map { pointer[$0] }
  }

  private static func write(_ values: [Float], to target: UnsafeMutablePointer<Float>) {
    values.withUnsafeBufferPointer {
      if let base = $0.baseAddress { target.update(from: base, count: $0.count) }
    }
  }
}
