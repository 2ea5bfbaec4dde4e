public import Experiments
internal import Tensors

/// What a sweep needs besides its plan.
public struct SweepOptions: Hashable, Sendable {
  /// One part of a plan that several machines or processes share.
  public struct Shard: Hashable, Sendable {
    /// From 1.
    public var index: Int
    public var count: Int

    public init(index: Int, count: Int) {
      self.index = index
      self.count = count
    }
  }

  public var shard: Shard?
  /// Rows of an earlier run: their cells, done or failed, are not measured again.
  public var finished: [ResultRow] = []
  /// Written into `run_id`; a fresh one when nil.
  public var runName: String?

  public init() {}
}

/// A cell that a sweep has just finished.
public struct FinishedCell: Hashable, Sendable {
  public var progress: SweepProgress
  /// Paired samples, `[dense, sparse]` nanoseconds a call, where the plan keeps them.
  public var samples: [[Double]]
  /// Under a time limit every cell is first measured briefly and reported so, and without one a cell in which
  /// the machine was slowed is taken again later; false is such a report, and one with true follows.
  public var isFinal: Bool
}

/// How large a sweep will be, before it starts.
public struct SweepEstimate: Hashable, Sendable {
  public var cells: Int
  /// Seconds if every cell takes its whole time; a plan's time limit where that is less.
  public var atMostSeconds: Double
}

extension SweepPlan {
  /// The cells of one shard, as indices into `cells`, in the order in which they are measured.
  ///
  /// All cells are shuffled by the plan's seed, so that a machine that grows warm does not look like a
  /// trend over sparsity, and dealt out in turn: shards are disjoint, cover the plan, and differ in size by
  /// at most one. The same plan and seed always give the same order.
  func order(shard: SweepOptions.Shard?) throws(LaboratoryError) -> [Int] {
    var order = Array(cells.indices)
    var generator = SeededGenerator(seed: base.seed)
    for last in stride(from: order.count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(generator.next() % UInt64(last + 1)))
    }
    guard let shard else { return order }
    guard shard.count >= 1, (1...shard.count).contains(shard.index) else {
      throw .noShard(index: shard.index, count: shard.count)
    }
    return stride(from: shard.index - 1, to: order.count, by: shard.count).map { order[$0] }
  }
}
