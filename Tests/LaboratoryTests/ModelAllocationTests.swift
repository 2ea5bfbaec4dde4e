import Testing

@testable import Laboratory

@Suite struct ModelAllocationTests {
  typealias Option = ModelAllocation.Option

  /// Seeded options: the first is the layer as it is, the others are faster or slower and lose something.
  private static func problem(_ layers: Int, _ options: Int, seed: UInt64) -> ModelAllocation {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func uniform() -> Double {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Double(state >> 11) / Double(1 << 53)
    }
    return ModelAllocation(
      layers: (0..<layers).map { _ in
        let whole = 1 + uniform()
        return [Option(time: whole, loss: 0)]
          + (1..<options).map { _ in Option(time: whole * uniform() * 1.1, loss: uniform() * 0.2) }
      })
  }

  /// Every choice there is.
  private static func everything(_ allocation: ModelAllocation) -> [[Int]] {
    allocation.layers.reduce([[]]) { choices, options in
      choices.flatMap { choice in options.indices.map { choice + [$0] } }
    }
  }

  @Test(arguments: 1...40) func twoLayersAreChosenAsBySearchingEverything(seed: UInt64) {
    let allocation = Self.problem(2, 6, seed: seed)
    let all = Self.everything(allocation)
    for share in [0.3, 0.5, 0.8, 1] {
      let limit = share * allocation.time([0, 0])
      let best = all.filter { allocation.time($0) <= limit }.map { allocation.loss($0) }.min()
      let found = allocation.choice(time: limit)
      #expect(found.map { allocation.loss($0) } == best)
    }
    for limit in [0, 0.05, 0.1, 0.3] {
      let best = all.filter { allocation.loss($0) <= limit }.map { allocation.time($0) }.min()!
      #expect(abs(allocation.time(allocation.choice(loss: limit)) - best) < 1e-12)
    }
  }

  @Test(arguments: 1...20) func moreLayersComeNearTheBestAndKeepTheLimit(seed: UInt64) {
    let allocation = Self.problem(5, 5, seed: seed)
    let all = Self.everything(allocation)
    let unpruned = [Int](repeating: 0, count: 5)
    for share in [0.4, 0.6, 0.9] {
      let limit = share * allocation.time(unpruned)
      guard let found = allocation.choice(time: limit) else {
        #expect(allocation.time(allocation.fastest) > limit)
        continue
      }
      #expect(allocation.time(found) <= limit + 1e-12)
      let best = all.filter { allocation.time($0) <= limit }.map { allocation.loss($0) }.min()!
      #expect(allocation.loss(found) <= 1.25 * best + 0.01)
    }
    for limit in [0.05, 0.2, 0.5] {
      let found = allocation.choice(loss: limit)
      #expect(allocation.loss(found) <= limit + 1e-12)
      let best = all.filter { allocation.loss($0) <= limit }.map { allocation.time($0) }.min()!
      #expect(allocation.time(found) <= 1.1 * best + 1e-12)
    }
  }

  @Test func aLimitBelowTheFastestChoiceHasNoAnswer() {
    let allocation = ModelAllocation(
      layers: [[Option(time: 1, loss: 0), Option(time: 0.5, loss: 0.1)]])
    #expect(allocation.choice(time: 0.49) == nil)
    #expect(allocation.choice(time: 0.5) == [1])
    #expect(allocation.choice(time: 1) == [0])
  }

  @Test func theHullLeavesOutWhatAMixtureBeats() {
    let options = [
      Option(time: 1, loss: 0), Option(time: 0.8, loss: 0.5), Option(time: 0.5, loss: 0.2),
      Option(time: 0.6, loss: 0.21), Option(time: 1.2, loss: 0.01), Option(time: 0.1, loss: 0.9),
    ]
    #expect(ModelAllocation.hull(options) == [0, 2, 5])
  }

  @Test func aLayerWithoutOptionsStaysAsItIs() {
    let allocation = ModelAllocation(layers: [[Option(time: 1, loss: 0)], []].dropLast())
    #expect(allocation.choice(loss: 1) == [0])
    #expect(ModelAllocation(layers: []).choice(time: 0) == [])
  }
}
