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
  /// Of the forward pass' store, in its order.
  let units: [UnitLists]
  /// Where its weights and its bias stand among the parameters; nil where they are not trained.
  var weightOffset: Int?
  var biasOffset: Int?
  /// By part of the transposed store: which value of the forward store each is.
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
    var offset = 0
    var units: [UnitLists] = []
    var numbers = [UInt32](repeating: .max, count: rows * columns)
    for part in forward.parts {
      if isTrained { units.append(UnitLists(part, columns: columns, offset: offset)) }
      for place in part.places {
        numbers[Int(place)] = UInt32(offset)
        offset += 1
      }
    }
    self.units = units
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

  /// The weights in the order of the store.
  func pack(_ weights: Matrix, into packed: inout [Float]) {
    var next = 0
    for part in forward.parts {
      for place in part.places {
        packed[next] = weights.values[Int(place)]
        next += 1
      }
    }
  }

  /// The matrix behind values in the order of the store; pruned weights are 0.
  func unpack(_ packed: UnsafePointer<Float>) -> Matrix {
    var result = Matrix(rows: layer.rows, columns: layer.columns)
    result.values.withUnsafeMutableBufferPointer { target in
      var next = 0
      for part in forward.parts {
        for place in part.places {
          target[Int(place)] = packed[next]
          next += 1
        }
      }
    }
    return result
  }

  /// The weights that the products read.
  var weights: Matrix {
    var packed = [Float](repeating: 0, count: count)
    var next = 0
    for part in forward.parts {
      for i in part.places.indices {
        packed[next] = part.values[i]
        next += 1
      }
    }
    return packed.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else {
        return Matrix(rows: layer.rows, columns: layer.columns)
      }
      return unpack(base)
    }
  }

  var bias: [Float] { (0..<layer.rows).map { forward.bias[$0] } }

  /// Writes weights in the order of the store to where both products read them.
  func refresh(_ packed: UnsafePointer<Float>?, _ kernels: TrainingKernels) {
    guard let packed else { return }
    var next = 0
    for part in forward.parts {
      part.values.update(from: packed + next, count: part.places.count)
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
