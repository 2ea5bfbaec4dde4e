public import Kernels
import Synchronization
public import Tensors

/// A BERT encoder that turns texts into sentence vectors, with linear layers of any kind.
///
/// **Layout** Tokens of all texts of a call are packed one behind the other into panels of 32, from
/// the first layer to the last; there is no padding but in the last panel. A text's tokens may lie in
/// several panels, and a panel may hold several texts: only attention knows where texts begin.
/// **Linear layers** are `LinearKernel`s, one per weight tensor, dense until replaced.
/// **Source** Devlin et al., "BERT", NAACL 2019; pooling as sentence-transformers does it.
///
/// An encoder is immutable; several threads may use it at once.
public final class BERTEncoder: Sendable {
  public let configuration: EncoderConfiguration
  public let tokenizer: WordPieceTokenizer
  /// All linear layers, in the order in which they run.
  public let layers: [EncoderLinearLayer]
  /// SHA-256 of the checkpoint's headers and sizes.
  public let modelIdentity: String

  let model: Model
  let weights: EncoderWeights
  /// By `EncoderLinearLayer.index`.
  let kernels: [any LinearKernel]
  let scratch: EncoderScratchPool

  /// Tokens of a group of panels that goes through a layer together, and that kernels should be
  /// packed for. With 64, what lies between two linear layers stays in the second-level cache
  /// (hidden 384: 0.7 MB); see `EncoderStream`.
  public static let tokensPerGroup = 64

  /// Opens a Hugging Face directory; its linear layers become the fastest dense kernels.
  ///
  /// - Throws: `EncoderError` with a sentence that says what is missing or not supported.
  public convenience init(directory: String, threads: Int = 1) throws(EncoderError) {
    let configuration = try EncoderConfiguration(directory: directory)
    let tokenizer = try WordPieceTokenizer(directory: directory)
    let model: Model
    do throws(TensorFileError) {
      model = try Model.open(directory)
    } catch {
      throw .file("\(error)")
    }
    try self.init(
      model: model, configuration: configuration, tokenizer: tokenizer, threads: threads)
  }

  /// - Parameter threads: that dense kernels are chosen for.
  public init(
    model: Model, configuration: EncoderConfiguration, tokenizer: WordPieceTokenizer,
    threads: Int = 1
  ) throws(EncoderError) {
    if tokenizer.vocabularyCount > configuration.vocabulary {
      throw .unsupported(
        path: model.path,
        reason: "its vocabulary has \(tokenizer.vocabularyCount) pieces, and config.json says "
          + "\(configuration.vocabulary)")
    }
    let reader = try EncoderTensorReader(model: model, configuration: configuration)
    self.model = model
    self.configuration = configuration
    self.tokenizer = tokenizer
    modelIdentity = model.identity
    weights = try EncoderWeights(reader)
    layers = (0..<configuration.layers).flatMap { layer in
      EncoderLinearLayer.Role.allCases.map {
        EncoderLinearLayer(
          layer: layer, role: $0, prefix: reader.prefix, configuration: configuration)
      }
    }
    kernels = try EncoderDense.kernels(layers, reader, threads: threads)
    scratch = EncoderScratchPool()
  }

  init(
    _ other: BERTEncoder, kernels: [any LinearKernel], weights: EncoderWeights? = nil
  ) {
    configuration = other.configuration
    tokenizer = other.tokenizer
    layers = other.layers
    modelIdentity = other.modelIdentity
    model = other.model
    self.weights = weights ?? other.weights
    scratch = other.scratch
    self.kernels = kernels
  }

  /// Why a word's vector could not be read, if that happened since the encoder was opened: the checkpoint
  /// was cut or its disk failed. Embeddings of texts with such a word are NaN.
  public var readFailure: EncoderError? {
    weights.words.failure.map { .file("\($0)") }
  }

  /// The weights of a linear layer as they stand in the checkpoint, `[outputs, inputs]`.
  public func weights(of layer: EncoderLinearLayer) throws(EncoderError) -> Matrix {
    do throws(TensorFileError) {
      return try model.matrix(named: layer.name)
    } catch {
      throw .file("\(error)")
    }
  }

  /// The bias of a linear layer.
  public func bias(of layer: EncoderLinearLayer) throws(EncoderError) -> [Float] {
    do throws(TensorFileError) {
      return try model.vector(named: layer.bias)
    } catch {
      throw .file("\(error)")
    }
  }

  /// Gives back the memory that streams keep between calls: 2 kB a token of the largest batch (hidden
  /// 384). The next call pays for fresh pages.
  public func releaseScratch() { scratch.release() }

  /// The kernel that runs for a linear layer.
  public func kernel(of layer: EncoderLinearLayer) -> any LinearKernel { kernels[layer.index] }

  /// The same encoder with other kernels for some linear layers, by the name of the weight tensor.
  ///
  /// Everything else is shared. Kernels must take panels of 32 tokens and add the bias themselves;
  /// pack them for `tokensPerGroup` tokens.
  /// - Throws: `wrongLayer` for a name that is no linear layer or a kernel of another shape.
  public func replacing(_ replacements: [String: any LinearKernel]) throws(EncoderError)
    -> BERTEncoder
  {
    var kernels = kernels
    for (name, kernel) in replacements.sorted(by: { $0.key < $1.key }) {
      guard let layer = layers.first(where: { $0.name == name }) else {
        throw .wrongLayer(
          name: name,
          reason: "the encoder has no such linear layer; there are \(layers[0].name) to "
            + layers[layers.count - 1].name)
      }
      guard kernel.rows == layer.rows, kernel.columns == layer.columns else {
        throw .wrongLayer(
          name: name,
          reason: "the kernel is \(kernel.rows)x\(kernel.columns), the layer "
            + "\(layer.rows)x\(layer.columns)")
      }
      kernels[layer.index] = kernel
    }
    return BERTEncoder(self, kernels: kernels)
  }

  /// The tokens of a text as `encode` uses them, cut to what the model has positions for.
  public func tokens(_ text: String) -> TokenizedText {
    tokenizer.encode(text, limit: configuration.maxPositions)
  }
}
