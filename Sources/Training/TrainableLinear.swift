import Encoder
import Experiments
import Kernels
import Tensors

/// One linear layer in training: packed as it stands for the forward pass and transposed for the
/// gradient of its input. Survivors are the only weights there are.
final class TrainableLinear: @unchecked Sendable {
  let layer: EncoderLinearLayer
  let pattern: Pattern
  let order: LayerOrder
  let mask: Mask
  let forward: RewritableLayer
  /// `Wᵀ`: from the gradient of the output to that of the input.
  let backward: RewritableLayer
  /// Part by part of the forward pass' store, in the order in which weights are trained.
  let units: [UnitLists]
  /// Where its weights and its bias stand among the parameters; nil where they are not trained.
  var weightOffset: Int?
  var biasOffset: Int?
  /// Position `row · columns + column` of each weight, in the order in which they are trained.
  let places: [UInt32]
  /// By part of the forward store: which trained weight each value is; nil where they follow in order.
  private let positions: [[UInt32]?]
  /// By part of the transposed store: which trained weight each value is.
  private let origins: [[UInt32]]

  /// - Parameter weights: `[outputs, inputs]`.
  init(
    layer: EncoderLinearLayer, pattern: Pattern, order: LayerOrder, mask: Mask, weights: Matrix,
    bias: [Float], isTrained: Bool
  ) throws(TrainingError) {
    self.layer = layer
    self.pattern = pattern
    self.order = order
    self.mask = mask
    do throws(KernelError) {
      forward = try RewritableLayer(
        mask: mask, pattern: pattern, order: order, tokens: BERTEncoder.tokensPerGroup)
      backward = try RewritableLayer(
        mask: mask.transposed(), pattern: pattern.transposed,
        order: LayerOrder(rows: order.columns, columns: order.rows),
        tokens: BERTEncoder.tokensPerGroup)
    } catch {
      throw .layer(name: layer.name, reason: error.description)
    }
    let (rows, columns) = (layer.rows, layer.columns)
    var places: [UInt32] = []
    var positions: [[UInt32]?] = []
    var units: [UnitLists] = []
    places.reserveCapacity(forward.count)
    for part in forward.parts {
      let offset = places.count
      if part.height == 1 {
        // Stored in whatever order single rows are fastest in; gradients want a row in one piece.
        var stored = [UInt32](repeating: .max, count: rows * columns)
        for (i, place) in part.places.enumerated() { stored[Int(place)] = UInt32(i) }
        var packed = [UInt32](repeating: 0, count: part.places.count)
        for (place, i) in stored.enumerated() where i != .max {
          packed[Int(i)] = UInt32(places.count)
          places.append(UInt32(place))
        }
        positions.append(packed)
      } else {
        places += part.places
        positions.append(nil)
      }
      if isTrained {
        units.append(
          UnitLists(
            height: part.height, places: Array(places[offset...]), columns: columns,
            offset: offset))
      }
    }
    self.places = places
    self.positions = positions
    self.units = units
    var numbers = [UInt32](repeating: .max, count: rows * columns)
    for (number, place) in places.enumerated() { numbers[Int(place)] = UInt32(number) }
    origins = backward.parts.map { part in
      part.places.map { place in
        let (input, output) = (Int(place) / rows, Int(place) % rows)
        return numbers[output * columns + input]
      }
    }
    var packed = [Float](repeating: 0, count: forward.count)
    pack(weights, into: &packed)
    packed.withUnsafeBufferPointer { refresh($0.baseAddress, TrainingKernels.best) }
    for row in 0..<rows { forward.bias[row] = bias[row] }
  }

  /// Stored weights.
  var count: Int { forward.count }

  /// The weights in the order in which they are trained.
  func pack(_ weights: Matrix, into packed: inout [Float]) {
    for (i, place) in places.enumerated() { packed[i] = weights.values[Int(place)] }
  }

  /// The matrix behind values in the order in which they are trained; pruned weights are 0.
  func unpack(_ packed: UnsafePointer<Float>) -> Matrix {
    var result = Matrix(rows: layer.rows, columns: layer.columns)
    result.values.withUnsafeMutableBufferPointer { target in
      for (i, place) in places.enumerated() { target[Int(place)] = packed[i] }
    }
    return result
  }

  /// Writes the weights that the products read to `packed`, in the order in which they are trained.
  func store(to packed: UnsafeMutablePointer<Float>) {
    var next = 0
    for (part, positions) in zip(forward.parts, positions) {
      if let positions {
        for (i, position) in positions.enumerated() { packed[Int(position)] = part.values[i] }
      } else {
        (packed + next).update(from: part.values, count: part.places.count)
      }
      next += part.places.count
    }
  }

  /// The weights that the products read.
  var weights: Matrix {
    var packed = [Float](repeating: 0, count: max(1, count))
    return packed.withUnsafeMutableBufferPointer { buffer in
      store(to: buffer.baseAddress!)
      return unpack(buffer.baseAddress!)
    }
  }

  var bias: [Float] { (0..<layer.rows).map { forward.bias[$0] } }

  /// Writes weights in the order in which they are trained to where both products read them.
  func refresh(_ packed: UnsafePointer<Float>?, _ kernels: TrainingKernels) {
    guard let packed else { return }
    var next = 0
    for (part, positions) in zip(forward.parts, positions) {
      if let positions {
        positions.withUnsafeBufferPointer {
          kernels.select(packed, $0.baseAddress!, part.values, part.places.count)
        }
      } else {
        part.values.update(from: packed + next, count: part.places.count)
      }
      next += part.places.count
    }
    for (part, origin) in zip(backward.parts, origins) {
      origin.withUnsafeBufferPointer {
        kernels.select(packed, $0.baseAddress!, part.values, part.places.count)
      }
    }
  }
}

extension Pattern {
  /// Where regularity is found in the transposed matrix.
  fileprivate var transposed: Pattern {
    switch base {
    case .block(let rows, let columns): .block(columns, rows)
    case .row: (try? Pattern(.column)) ?? .unstructured
    case .column: (try? Pattern(.row)) ?? .unstructured
    case .nm, .tile, .tileElement, .tileVector: .unstructured
    }
  }
}

extension Mask {
  fileprivate func transposed() -> Mask {
    var result = Mask(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns where self[row, column] { result[column, row] = true }
    }
    return result
  }
}
