import Glibc
public import Kernels
public import Tensors

/// Sentence vectors and how they came about.
public struct Encoding: Sendable {
  /// `[texts, hidden]`, in the order of the texts.
  public var embeddings: Matrix
  /// Tokens of each text as they were used.
  public var tokenCounts: [Int]
  /// Texts that were cut, with the tokens they had.
  public var truncated: [(text: Int, tokens: Int)]
  /// Where the time went, if it was asked for.
  public var times: EncoderTimes?
}

extension BERTEncoder {
  /// Encodes texts: tokenising, encoder, pooling, normalisation.
  ///
  /// - Parameters:
  ///   - threads: texts are dealt out to them where there are enough; else they share each product.
  ///   - timing: whether to record per-layer times (about 0.1 % slower).
  /// - Returns: one row a text; the embedding of a text does not depend on the others beyond the
  ///   order of additions.
  public func encode(_ texts: [String], threads: Int = 1, timing: Bool = false) -> Encoding {
    let start = monotonicNanoseconds()
    let tokenized = texts.map { tokens($0) }
    let tokenizing = monotonicNanoseconds() - start
    var (embeddings, times) = run(tokenized.map(\.ids), threads: threads, timing: timing)
    times?.tokenizing = tokenizing
    times?.total += tokenizing
    return Encoding(
      embeddings: embeddings, tokenCounts: tokenized.map(\.ids.count),
      truncated: tokenized.enumerated().compactMap {
        $1.isTruncated ? ($0, $1.fullCount) : nil
      },
      times: times)
  }

  /// Encodes texts that are already tokens.
  ///
  /// - Precondition: every text has 1 to `maxPositions` tokens of the vocabulary.
  public func encode(tokens: [[Int32]], threads: Int = 1) -> Matrix {
    run(tokens, threads: threads, timing: false).0
  }

  /// `encode` with other kernels for some layers; see `replacing`.
  public func encode(
    _ texts: [String], with layers: [String: any LinearKernel], threads: Int = 1,
    timing: Bool = false
  ) throws(EncoderError) -> Encoding {
    try replacing(layers).encode(texts, threads: threads, timing: timing)
  }

  /// What linear layers read while texts are encoded, for calibration: `[tokens, features]` by the
  /// name of the input (`EncoderLinearLayer.input`), rows in the order of the texts.
  ///
  /// - Parameter inputs: names to keep; nil keeps all, `4·(3·hidden + intermediate)` bytes a token
  ///   and layer.
  public func activations(of texts: [String], inputs: Set<String>? = nil) -> [String: Matrix] {
    activations(ofTokens: texts.map { tokens($0).ids }, inputs: inputs)
  }

  /// The same for texts that are already tokens.
  ///
  /// - Precondition: every text has 1 to `maxPositions` tokens of the vocabulary.
  public func activations(
    ofTokens ids: [[Int32]], inputs: Set<String>? = nil
  ) -> [String: Matrix] {
    let capture = ActivationCapture(layers: layers, inputs: inputs)
    var target = [Float](repeating: 0, count: ids.count * configuration.hidden)
    target.withUnsafeMutableBufferPointer { target in
      for batch in EncoderBatch.batches(ids, threads: 1) {
        scratch.with { scratch in
          var stream = EncoderStream(
            encoder: self, batch: batch.streams[0], scratch: scratch, threads: 1)
          stream.capture = capture
          stream.run(ids, into: target.baseAddress!)
        }
      }
    }
    return capture.matrices()
  }

  private func run(_ ids: [[Int32]], threads: Int, timing: Bool) -> (Matrix, EncoderTimes?) {
    let hidden = configuration.hidden
    for text in ids {
      precondition(
        (1...configuration.maxPositions).contains(text.count), "a text of \(text.count) tokens")
      precondition(
        text.allSatisfy { (0..<Int32(configuration.vocabulary)).contains($0) },
        "a token outside the vocabulary")
    }
    let start = monotonicNanoseconds()
    var total = timing ? EncoderTimes(layers: layers) : nil
    var result = Matrix(rows: ids.count, columns: hidden)
    result.values.withUnsafeMutableBufferPointer { buffer in
      guard let target = buffer.baseAddress else { return }
      let output = SendablePointer(target)
      for batch in EncoderBatch.batches(ids, threads: threads) {
        let times = batch.streams.map { _ in timing ? EncoderTimeRecorder(layers.count) : nil }
        WorkerPool.shared.run(threads: batch.streams.count) { worker in
          self.scratch.with { scratch in
            let stream = EncoderStream(
              encoder: self, batch: batch.streams[worker], scratch: scratch,
              threads: batch.threadsPerStream, times: times[worker])
            stream.run(ids, into: output.pointer)
          }
        }
        for recorder in times.compactMap({ $0 }) { total?.add(recorder, layers: layers) }
      }
    }
    total?.total = monotonicNanoseconds() - start
    return (result, total)
  }
}

/// A pointer that several workers write to, each to rows of its own.
struct SendablePointer: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>

  init(_ pointer: UnsafeMutablePointer<Float>) { self.pointer = pointer }
}

func monotonicNanoseconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) * 1e9 + Double(now.tv_nsec)
}
