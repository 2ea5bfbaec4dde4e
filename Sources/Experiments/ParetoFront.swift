/// Which of several results no other result beats.
public enum ParetoFront {
  /// The points that no other point beats on both axes, where a larger `gain` and a smaller `loss` are
  /// better; of equal points the first. In ascending order of gain.
  ///
  /// Points with a coordinate that is not finite take no part. Complexity: O(n log n).
  public static func indices(gain: [Double], loss: [Double]) -> [Int] {
    precondition(gain.count == loss.count)
    let order = gain.indices
      .filter { gain[$0].isFinite && loss[$0].isFinite }
      .sorted {
        gain[$0] != gain[$1]
          ? gain[$0] > gain[$1] : loss[$0] != loss[$1] ? loss[$0] < loss[$1] : $0 < $1
      }
    var front: [Int] = []
    var least = Double.infinity
    for index in order where loss[index] < least {
      least = loss[index]
      front.append(index)
    }
    return front.reversed()
  }

  /// The rows on the front of speedup against output error, or against relative weight error where no
  /// row has an output error, by tensor, tokens, threads and host: figures of different layers or machines
  /// do not compete.
  public static func rows(_ rows: [ResultRow]) -> [ResultRow] {
    let usable = rows.filter { $0[.status] == .text(ResultStatus.ok.rawValue) }
    let hasOutputError = usable.contains { $0[.outputError].number != nil }
    let loss: ResultColumn = hasOutputError ? .outputError : .weightError
    var groups: [(key: [ResultCell], rows: [ResultRow])] = []
    for row in usable {
      let key = [ResultColumn.tensor, .tokens, .threads, .hostID, .modelID].map { row[$0] }
      if let known = groups.firstIndex(where: { $0.key == key }) {
        groups[known].rows.append(row)
      } else {
        groups.append((key, [row]))
      }
    }
    return groups.flatMap { group in
      indices(
        gain: group.rows.map { $0[.speedup].number ?? .nan },
        loss: group.rows.map { $0[loss].number ?? .nan }
      ).map { group.rows[$0] }
    }
  }
}
