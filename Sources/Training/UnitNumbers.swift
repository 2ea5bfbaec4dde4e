import Encoder
import Experiments

/// Which unit of its pattern each stored weight of a layer belongs to: what a penalty shrinks together.
final class UnitNumbers: Sendable {
  /// By stored weight.
  let unit: [UInt32]
  /// By stored weight: the root of its input's energy over the mean.
  let roots: [Float]
  /// Weights of each unit; 0 for units that are not stored.
  let sizes: [Float]
  var count: Int { sizes.count }

  /// - Parameter energies: mean squares of the inputs; nil takes all inputs alike.
  init(_ linear: TrainableLinear, energies: [Float]?) {
    let (rows, columns) = (linear.layer.rows, linear.layer.columns)
    let pattern = linear.pattern
    let (height, width) = pattern.unit(rows: rows, columns: columns)
    let across = (columns + width - 1) / width
    let down = (rows + height - 1) / height
    let mean = energies.map { $0.reduce(0.0) { $0 + Double($1) } / Double(columns) } ?? 1
    let byColumn = (0..<columns).map { column in
      Float((Double(energies?[column] ?? 1) / max(mean, 1e-30)).squareRoot())
    }
    var unit: [UInt32] = []
    var roots: [Float] = []
    var sizes = [Float](repeating: 0, count: down * across)
    unit.reserveCapacity(linear.count)
    roots.reserveCapacity(linear.count)
    for place in linear.places {
      let (row, column) = (Int(place) / columns, Int(place) % columns)
      let number = row / height * across + column / width
      unit.append(UInt32(number))
      roots.append(byColumn[column])
      sizes[number] += 1
    }
    self.unit = unit
    self.roots = roots
    self.sizes = sizes
  }
}

extension Pattern {
  /// Height and width of what is kept or pruned together; single weights for N:M.
  func unit(rows: Int, columns: Int) -> (height: Int, width: Int) {
    switch base {
    case .block(let height, let width): (min(height, rows), min(width, columns))
    case .row: (1, columns)
    case .column: (rows, 1)
    case .tile(let width): (min(width, rows), 1)
    case .nm, .tileElement, .tileVector: (1, 1)
    }
  }
}
