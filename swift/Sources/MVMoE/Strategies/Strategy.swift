/// The shape of an input, and the types that it may have.
package struct TensorType: Sendable, Hashable {
  let shape: [Int]
  let dtypes: Set<DType>
}

/// Writes the gates of one image into the inputs of its graph, and whatever else its route needs there.
package protocol GatesWriter {
  func write(_ gates: [Float])
}

/// Which graphs a routed stage has, what they take, and how a route is put into it (`docs/bundle.md`, *Tensors of the
/// graphs*).
///
/// One type a strategy, found by its name in a manifest (``Strategies/find(_:)``). A graph is told by its route; nil is the
/// graph that serves all. The inputs of a graph are tensors of stages before it, those of slots, those of
/// ``inputs(of:rule:batch:)``, and, where weights are bound, those of the experts of its route.
package protocol Strategy: Sendable {
  var name: String { get }

  /// Whether no graph reads the weights of an expert that is not on the image's route.
  var separatesExperts: Bool { get }

  /// Whether graphs take the weights of their route's experts as inputs; each then serves all routes of its length.
  var bindsWeights: Bool { get }

  /// Whether routers can be inside of its graphs, which then are one.
  var routesInGraph: Bool { get }

  /// The graphs of one routed stage, lazily.
  func graphs(_ rule: any Rule) -> AnySequence<Route?>

  /// Which of ``graphs(_:)`` serve the images of a route, in the order in which they run.
  ///
  /// The last one gives what the stage gives. Of a strategy with slots there is one before it for each expert of the route,
  /// in the order of the route: the first one fills slot 0.
  func serving(_ route: Route) -> [Route?]

  /// How many experts' graphs the last graph of a route joins; 0 where one graph serves it.
  ///
  /// What the graph of the expert at place j of the route gives are inputs of the last graph, each under
  /// ``slotInput(_:output:)``.
  func slots(_ rule: any Rule) -> Int

  /// Whether what one of ``graphs(_:)`` gives fills slots of another, which joins them.
  func isJoined(_ graph: Route?, rule: any Rule) -> Bool

  /// Whether a bundle has one of ``graphs(_:)``, where images on the routes in `finishes` run none.
  func isNeeded(_ graph: Route?, rule: any Rule, finishes: Set<Route>) -> Bool

  /// The first of the rule's routes that one of ``graphs(_:)`` serves, but for those in `finishes`; nil if it serves none.
  func example(of graph: Route?, rule: any Rule, finishes: Set<Route>) -> Route?

  /// What one of ``graphs(_:)`` takes beside the tensors of stages before it, slots and weights, in order.
  func inputs(of graph: Route?, rule: any Rule, batch: Int) -> KeyValuePairs<String, TensorType>

  /// What writes a route with its gates into the inputs of its graph, for the image at `position` of the batch.
  ///
  /// It is made once for a route and a binding, so that nothing is looked up or made between two graphs. Slots that a shorter
  /// route leaves have gates of 0 and content that is finite after each `write`. One writer is never used twice at a time.
  func writer(inputs: [String: Tensor], route: Route, position: Int) -> any GatesWriter
}

extension Strategy {
  var separatesExperts: Bool { false }

  var bindsWeights: Bool { false }

  var routesInGraph: Bool { false }

  func graphs(_ rule: any Rule) -> AnySequence<Route?> { AnySequence([nil]) }

  func serving(_ route: Route) -> [Route?] { [nil] }

  func slots(_ rule: any Rule) -> Int { 0 }

  func isJoined(_ graph: Route?, rule: any Rule) -> Bool { slots(rule) > 0 && graph != nil }

  func isNeeded(_ graph: Route?, rule: any Rule, finishes: Set<Route>) -> Bool { true }

  func example(of graph: Route?, rule: any Rule, finishes: Set<Route>) -> Route? {
    rule.routes().first { serving($0).contains(graph) && !finishes.contains($0) }
  }
}
