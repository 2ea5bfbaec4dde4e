internal import CellUI
internal import Experiments

extension State {
  /// Gives the present knobs to other tensors.
  mutating func apply(_ target: ApplyTarget) throws(CommandError) -> [Effect] {
    guard let model = model.value, let tensor else { return [] }
    let names: [String]
    switch target {
    case .all: names = model.prunable.filter(\.isLinearWeight).map(\.name)
    case .kind:
      let role = Wording.role(tensor.name)
      names = model.prunable.map(\.name).filter { Wording.role($0) == role }
    case .tensor(let name):
      guard model.prunable.contains(where: { $0.name == name }) else {
        throw CommandError("apply \(name): \(model.name) has no matrix of this name")
      }
      names = [name]
    }
    for name in names { choices.choose(knobs, for: name) }
    return say("\(knobs.pattern) for \(names.count) layer\(names.count == 1 ? "" : "s")")
  }

  /// Chooses per layer within a limit, from what was measured and from nothing else.
  mutating func spend(_ kind: BudgetKind, _ value: Double) throws(CommandError) -> [Effect] {
    guard value > 0 else {
      throw CommandError("budget \(kind.rawValue): expected a number above 0")
    }
    switch kind {
    case .quality: return try spendQuality(value)
    case .time: return try spendTime(value)
    }
  }

  /// Per layer the largest sparsity of its curve whose error stays within `limit`.
  private mutating func spendQuality(_ limit: Double) throws(CommandError) -> [Effect] {
    var chosen = 0
    if let first = layers.curves.first, layers.curve(first.tensor, for: knobs) == nil {
      throw CommandError(
        "budget quality: the curves are of \(layers.curveKnobs?.pattern.description ?? "other knobs"), "
          + "not of what the knobs say now; S draws them anew")
    }
    for curve in layers.curves {
      let within = zip(curve.sparsities, curve.errors).filter { $0.1 <= limit }.map(\.0).max()
      guard let sparsity = within else {
        choices.choose(nil, for: curve.tensor)
        continue
      }
      var knobs = self.knobs
      do { try knobs.set(.sparsity, to: NumberText.shortest(sparsity)) } catch {
        throw CommandError(error.description)
      }
      choices.choose(knobs, for: curve.tensor)
      chosen += 1
    }
    return say(
      "\(chosen) of \(layers.curves.count) layers can be pruned within an error of \(Figures.plain(limit))"
    )
  }

  /// Greedy: from all dense, always the measured choice that saves the most time for the error it
  /// adds, until the sum of times is within `share` of the dense sum.
  private mutating func spendTime(_ share: Double) throws(CommandError) -> [Effect] {
    struct Option {
      var knobs: Knobs
      var time: Double
      var error: Double
    }
    var dense: [String: Double] = [:]
    var options: [String: [Option]] = [:]
    var order: [String] = []
    for row in resultRows {
      // Times under other conditions cannot be added up.
      guard row.isTimed(like: knobs), let cell = row.cell(in: model.value),
        let base = row[.denseNs].number,
        let time = row[.sparseNs].number,
        let error = row[.outputError].number ?? row[.weightError].number
      else { continue }
      if dense[cell.tensor] == nil { order.append(cell.tensor) }
      dense[cell.tensor] = base
      options[cell.tensor, default: []].append(Option(knobs: cell.knobs, time: time, error: error))
    }
    let total = order.reduce(0) { $0 + dense[$1]! }
    var current: [String: Option] = [:]
    var sum = total
    while sum > share * total {
      var best: (tensor: String, option: Option, rate: Double)?
      for tensor in order {
        let now = current[tensor]
        let (time, error) = (now?.time ?? dense[tensor]!, now?.error ?? 0)
        for option in options[tensor]! where option.time < time {
          let rate = (time - option.time) / max(option.error - error, 1e-9)
          if best.map({ rate > $0.rate }) ?? true { best = (tensor, option, rate) }
        }
      }
      guard let best else {
        throw CommandError(
          "budget time \(NumberText.shortest(share)): the fastest of what was measured takes "
            + "\(Wording.percent(sum / total)) of the dense time; sweep more patterns first")
      }
      sum -= (current[best.tensor]?.time ?? dense[best.tensor]!) - best.option.time
      current[best.tensor] = best.option
    }
    for tensor in order { choices.choose(current[tensor]?.knobs, for: tensor) }
    return say(
      "\(current.count) of \(order.count) measured layers pruned: \(Wording.percent(sum / total)) of "
        + "their dense time")
  }
}
