import ArgumentParser
import Experiments
import Laboratory

/// Shows another program the gradients of one training batch, and times steps when it says so.
struct GradientsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients",
    abstract: "Write the gradients of one training batch, then time steps on request.",
    discussion: """
      Prunes by magnitude, makes seeded texts, writes student.safetensors, teacher.safetensors and \
      gradients.safetensors into a directory, and prints the tokens and the loss as one line of JSON. \
      Then it takes one step for every line of standard input and prints its nanoseconds. \
      Tests/gradients.py compares both with PyTorch.
      """,
    shouldDisplay: false)

  @Argument(help: "A Hugging Face directory.")
  var model: String
  @Option(help: "Where the files go; it exists.")
  var output: String
  @Option(help: "attention, ffn or all: which linear layers are pruned.")
  var layers = "attention"
  @Option(help: "The pattern of the masks.")
  var pattern = "8x1"
  @Option(help: "The share of zeros.")
  var sparsity = 0.8
  @Flag(help: "Train everything but the embeddings.")
  var dense = false
  @Option(help: "Texts of the batch.")
  var texts = 12
  @Option(help: "Tokens of each text.")
  var tokens = 21
  @Option(help: "Threads.")
  var threads = 1

  func run() throws {
    guard let selection = LayerSelection(rawValue: layers) else {
      throw Failure(.usage, "--layers \(layers): it is attention, ffn or all")
    }
    var knobs = Knobs()
    do { knobs.pattern = try Pattern(parsing: pattern) } catch {
      throw Failure(.usage, error.description)
    }
    knobs.amount = .sparsity(sparsity)
    knobs.criterion = .magnitude
    do {
      let rounds = try TrainingRounds(
        directory: model, selection: selection, knobs: knobs, trainsDense: dense, texts: texts,
        length: tokens, threads: threads)
      let loss = try rounds.write(to: output)
      try OutputFile.standardOutput(
        "{\"tokens\":\(try JSONText.encode(rounds.tokens)),\"loss\":\(loss)}\n")
      while readLine() != nil {
        try OutputFile.standardOutput(NumberText.fixed(try rounds.round(), 0) + "\n")
      }
    } catch let error as LaboratoryError {
      throw Failure(error)
    }
  }
}
