/// One graph on the tensors of one set of buffers: the graph is loaded where it is cold, bound once and run many times.
///
/// A site is used by one call at a time, as its buffers are. It owns neither the graph nor its binding: an evicted graph is
/// freed as soon as no call runs it.
final class CallSite {
  private let cache: ResidencyCache<ResidentGraph>
  private let place: Int
  private let inputs: [String: Tensor]
  private let outputs: [String: Tensor]
  private let weights: (@Sendable () throws -> [String: Tensor])?
  private weak var graph: ResidentGraph?
  private weak var binding: Binding?

  /// - Parameters:
  ///   - place: of the graph in the cache.
  ///   - weights: those that the graph takes as inputs; asked for when it is bound.
  init(
    _ cache: ResidencyCache<ResidentGraph>, _ place: Int, inputs: [String: Tensor], outputs: [String: Tensor],
    weights: (@Sendable () throws -> [String: Tensor])? = nil
  ) {
    self.cache = cache
    self.place = place
    self.inputs = inputs
    self.outputs = outputs
    self.weights = weights
  }

  deinit {
    if let graph, let binding { graph.drop(binding) }
  }

  /// Loads and binds the graph without running it.
  func prepare() async throws { try await use { _ in } }

  /// Runs the graph; its time goes to `ready` until it can run, and to `run` from there.
  func run(_ laps: Laps, ready: Part, run: Part) async throws {
    let binding = try binding(on: try await cache.acquire(place))
    laps.end(ready)
    try await binding.bound.run()
    laps.end(run)
  }

  /// Has the graph in memory, and bound, while `work` runs it; from then on it may be evicted.
  func use(_ work: (any BoundGraph) async throws -> Void) async throws {
    try await work(try binding(on: try await cache.acquire(place)).bound)
  }

  private func binding(on resident: ResidentGraph) throws -> Binding {
    // One of an evicted copy of the graph may still be there.
    if let binding, graph === resident { return binding }
    let binding = try resident.bind(inputs: try allInputs(), outputs: outputs)
    self.binding = binding
    graph = resident
    return binding
  }

  private func allInputs() throws -> [String: Tensor] {
    guard let weights else { return inputs }
    return inputs.merging(try weights()) { _, weight in weight }
  }
}
