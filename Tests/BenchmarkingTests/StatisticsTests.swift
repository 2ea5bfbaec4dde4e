import Experiments
import Testing

@testable import Benchmarking

@Suite struct StatisticsTests {
  @Test func quantilesInterpolateBetweenRanks() {
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.median([4, 1, 2, 3]) == 2.5)
    #expect(Statistics.quantile([10, 20, 30, 40, 50], 0.1) == 14)
    #expect(Statistics.quantile([10, 20], 1) == 20)
    #expect(Statistics.median([7]) == 7)
    #expect(Statistics.median([]).isNaN)
  }

  /// The ranks of the published table for the sign test (Hollander & Wolfe, table A.2).
  @Test(arguments: [(5, 0), (6, 1), (8, 1), (9, 2), (12, 3), (20, 6), (25, 8), (50, 18), (100, 40)])
  func ranksAreThoseOfTheSignTest(count: Int, rank: Int) {
    #expect(Statistics.medianRank(count: count, confidence: 0.95) == rank)
  }

  @Test func ranksOfManyValuesFollowTheNormalApproximation() {
    for count in [2000, 20_000] {
      let half = 1.959964 * Double(count).squareRoot() / 2
      let expected = Double(count) / 2 - half
      let rank = Double(Statistics.medianRank(count: count, confidence: 0.95))
      #expect(abs(rank - expected) <= 2)
    }
  }

  @Test func intervalCoversTheMedianOfASkewedDistributionAsOftenAsItSays() {
    var noise = Noise(seed: 5)
    var covered = 0
    let trials = 4000
    for _ in 0..<trials {
      // Exponential with median 1: skewed, so a symmetric interval about the mean would fail.
      let values = (0..<31).map { _ in -log2(1 - noise.uniform()) }
      let interval = Statistics.medianInterval(values)!
      if interval.low <= 1, 1 <= interval.high { covered += 1 }
    }
    // Exact coverage at n = 31 is 0.9706; five standard deviations of 4000 trials are 0.0134.
    #expect(abs(Double(covered) / Double(trials) - 0.9706) < 0.0134)
  }

  @Test func fiveValuesHaveNoOrderStatisticInterval() {
    #expect(Statistics.medianInterval([1, 2, 3, 4, 5]) == nil)
    let interval = Statistics.medianInterval([6, 1, 2, 5, 3, 4])
    #expect(interval?.low == 1)
    #expect(interval?.high == 6)
  }

  @Test func fewValuesGiveAWideIntervalAboutTheirMedian() {
    let interval = Statistics.fewValuesInterval([1.0, 1.1])!
    #expect(interval.low < 0.7)
    #expect(interval.high > 1.5)
    #expect(Statistics.fewValuesInterval([1]) == nil)
    #expect(Statistics.fewValuesInterval([1, 0]) == nil)
    let skewed = Statistics.fewValuesInterval([1, 1, 1, 1, 9])!
    #expect(skewed.low <= skewed.estimate && skewed.estimate <= skewed.high)
  }

  @Test func outliersAreCountedByTheirDistanceFromTheMedian() {
    #expect(Statistics.outliers([1, 1.1, 0.9, 1.05, 0.95, 10]) == 1)
    #expect(Statistics.outliers([1, 1, 1, 1, 1, 1, 1, 5]) == 1)
    #expect(Statistics.outliers([2, 2, 2]) == 0)
    #expect(Statistics.outliers([]) == 0)
  }
}

/// Base-2 logarithm without a mathematics library: exponent plus a series of the significand.
private func log2(_ value: Double) -> Double {
  guard value > 0 else { return -1074 }
  let significand = value.significand
  let z = (significand - 1) / (significand + 1)
  var sum = 0.0
  var power = z
  for k in stride(from: 1, through: 41, by: 2) {
    sum += power / Double(k)
    power *= z * z
  }
  return Double(value.exponent) + 2 * sum / 0.693_147_180_559_945_3
}
