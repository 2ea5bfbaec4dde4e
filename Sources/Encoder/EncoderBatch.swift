/// How the texts of a call are dealt out.
///
/// A stream is a row of texts packed into panels that one thread takes through the whole network, so
/// threads meet once, at the end. Where there are too few texts for that, one stream remains and the
/// threads share its products and heads.
struct EncoderBatch {
  struct Stream {
    /// Indices of the texts, and where each begins among the stream's tokens.
    var texts: [Int] = []
    var starts: [Int] = []
    var tokens = 0
    /// Longest text.
    var longest = 0
  }

  var streams: [Stream]
  var threadsPerStream: Int

  /// Tokens that are taken through the network at a time: 6 MB of activations at hidden 384.
  static let mostTokens = 4096

  /// - Complexity: O(texts log texts).
  static func batches(_ ids: [[Int32]], threads: Int) -> [EncoderBatch] {
    var result: [EncoderBatch] = []
    var first = 0
    while first < ids.count {
      var tokens = 0
      var end = first
      while end < ids.count, end == first || tokens + ids[end].count <= mostTokens * threads {
        tokens += ids[end].count
        end += 1
      }
      result.append(batch(ids, first..<end, tokens: tokens, threads: threads))
      first = end
    }
    return result
  }

  private static func batch(
    _ ids: [[Int32]], _ texts: Range<Int>, tokens: Int, threads: Int
  ) -> EncoderBatch {
    if threads > 1, texts.count >= threads {
      // Longest first to whoever has least: at most a third above the best (Graham 1969).
      var shares = [[Int]](repeating: [], count: threads)
      var loads = [Int](repeating: 0, count: threads)
      for text in texts.sorted(by: { (ids[$1].count, $0) < (ids[$0].count, $1) }) {
        let least = loads.indices.min { loads[$0] < loads[$1] }!
        shares[least].append(text)
        loads[least] += ids[text].count
      }
      // A share ends in a panel that is filled in part; sharing products wastes nothing, but its
      // many short forks cost about as much as a tenth of the work.
      let largest = loads.map { ($0 + 31) / 32 * 32 }.max()!
      if Double(largest * threads) <= 1.15 * Double(tokens) + 32 {
        return EncoderBatch(
          streams: shares.map { stream(ids, $0.sorted()) }, threadsPerStream: 1)
      }
    }
    return EncoderBatch(streams: [stream(ids, Array(texts))], threadsPerStream: threads)
  }

  private static func stream(_ ids: [[Int32]], _ texts: [Int]) -> Stream {
    var stream = Stream(texts: texts)
    for text in texts {
      stream.starts.append(stream.tokens)
      stream.tokens += ids[text].count
      stream.longest = max(stream.longest, ids[text].count)
    }
    return stream
  }
}
