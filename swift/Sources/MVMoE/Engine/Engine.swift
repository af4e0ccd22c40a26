import Foundation

/// What runs the graphs of targets of one format; an app gives one to ``Dispatcher``.
///
/// An engine that is not yet opened holds nothing native.
public protocol Engine: Sendable {
  /// The format whose graphs it runs, as a manifest has it: `onnx`.
  var format: String { get }

  /// A runner of the target's graphs, whose files lie under `root` and have been checked. No graph is loaded yet.
  ///
  /// - Throws: ``MVMoEError`` where the engine does not exist on this system, or lacks its native library.
  func open(root: URL, target: Target) async throws -> any Runner
}

/// Executes the graphs of one target.
///
/// All methods may be called from several tasks at once. What is native is freed when the last reference is gone; a graph
/// keeps what it needs of its runner, and a binding what it needs of its graph.
public protocol Runner: AnyObject, Sendable {
  /// What runs the graphs, for people: the engine with its version.
  var engineName: String { get }

  /// Where the engine runs them: an execution provider, compute units. It may change as graphs are loaded.
  var provider: String { get }

  /// What did not go as one hopes for, a sentence each: a provider that was given up for another. Usually empty.
  var notes: [String] { get }

  /// Loads a graph; each call makes another copy. A load that has begun is finished, whether its task is cancelled or not.
  ///
  /// - Throws: ``MVMoEError`` that names the graph (`engine.load-failed`, `engine.wrong-signature`), or a limit
  ///   (`limit.memory`, ...).
  func load(_ graph: Graph) async throws -> any LoadedGraph
}

extension Runner {
  public var notes: [String] { [] }
}

/// One graph in memory.
public protocol LoadedGraph: AnyObject, Sendable {
  /// Makes beforehand what binding these weights will need, by the names of the inputs that take them, and keeps it as long
  /// as the graph.
  ///
  /// The first image of a route has less to wait for then. An engine that needs nothing does nothing.
  func prepare(_ weights: [String: Tensor]) throws

  /// A binding that reads `inputs` and overwrites `outputs`, by the names of the graph's inputs and outputs.
  ///
  /// Nothing is copied where the engine can help it: a tensor that another binding gives may be an input of this one, and
  /// weights may lie in a mapped file. The binding keeps its tensors. Different bindings of one graph may run at once; one
  /// binding is never run twice at a time.
  func bind(inputs: [String: Tensor], outputs: [String: Tensor]) throws -> any BoundGraph
}

extension LoadedGraph {
  public func prepare(_ weights: [String: Tensor]) throws {}
}

/// A graph with its inputs and outputs, made once and run many times.
public protocol BoundGraph: AnyObject, Sendable {
  /// - Throws: ``MVMoEError`` (`engine.run-failed`) that names the graph.
  func run() async throws
}
