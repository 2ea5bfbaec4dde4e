internal import Experiments
internal import Pruning

extension Workbench {
  /// What λ leaves of a tensor, from the strongest down.
  ///
  /// - Parameter watch: gets the masks on the way; false cancels.
  func path(
    _ tensor: String, _ knobs: Knobs, isCancelled: () -> Bool,
    progress: (RegularizationPath) -> Void, watching watch: IterateWatch = { _ in true }
  ) throws(LaboratoryError) -> RegularizationPath {
    let layer = try layer(tensor)
    do {
      let path = try regularizationPath(
        layer.weights, named: tensor, knobs: knobs, statistics: layer.statistics,
        progress: { part in
          progress(part)
          return !isCancelled()
        },
        iterate: watch)
      if isCancelled() { throw LaboratoryError.cancelled }
      return path
    } catch let error as PruningError {
      throw .pruning(error)
    } catch let error as LaboratoryError {
      throw error
    } catch { preconditionFailure("both errors above are all there are: \(error)") }
  }
}
