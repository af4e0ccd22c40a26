import Foundation

/// The weights that graphs take as inputs (`docs/bundle.md`, *Weights that graphs take*), from a file that was checked.
///
/// The file is mapped, so nothing is read before it is used. On a file system that cannot map, a weight is read when it is
/// first asked for, and kept. May be used by several tasks at once.
package final class StoredWeights: Sendable {
  /// What makes tensors of a file.
  typealias Mapper = (_ file: OpenFile, _ tensors: [StoredTensor]) throws -> any StoredBytes

  private let root: URL
  private let target: Target
  private let stored: (any StoredBytes)?

  /// The tensors of each expert that was asked for, by stage and number.
  private let tensors: Guarded<[[[String: Tensor]?]]>

  /// The route of each stage that was asked for last.
  private let advised: Guarded<[Route?]>

  private let reader = BackgroundReader()

  /// The weights of a target whose files were checked; it takes over the file of weights that `files` keeps open.
  ///
  /// - Throws: ``MVMoEError`` where the file is not what it was, and where there is no room to map it (`limit.memory`).
  init(root: URL, target: Target, files: CheckedFiles, map: Mapper = MappedBytes.init) throws {
    self.root = root
    self.target = target
    tensors = Guarded(target.experts.map { Array(repeating: nil, count: $0.count) })
    advised = Guarded(Array(repeating: nil, count: target.experts.count))
    let kept = files.takeKept()
    stored = try target.experts.isEmpty ? nil : Self.open(root, target, kept, map)
  }

  /// The weights of a target of a bundle, whose files are checked first.
  ///
  /// - Throws: ``MVMoEError`` that names the first file that is missing or altered.
  package static func checked(_ target: Target, of bundle: ModelBundle) throws -> StoredWeights {
    let files = try CheckedFiles.verify(root: bundle.root, files: target.files, keep: target.weights)
    return try StoredWeights(root: bundle.root, target: target, files: files)
  }

  /// Whether weights lie in a mapping of the file that was checked; on some file systems they are read instead.
  var isMapped: Bool { stored is MappedBytes }

  /// The weights that a graph takes for the images of a route, by the inputs' names.
  ///
  /// - Throws: ``MVMoEError`` where the file cannot be read any more, or memory runs out.
  package func inputs(of graph: Graph, route: Route) throws -> [String: Tensor] {
    try graph.bound.mapValues { bound in
      guard let tensor = try expert(route[bound.place], of: graph.stage)[bound.tensor] else {
        throw cannotRead(root, target.weights ?? "", FileError("an expert has no tensor \(bound.tensor)"))
      }
      return tensor
    }
  }

  /// Asks the system to read the weights of a route's experts in the background, so that they are in memory when its graph
  /// runs.
  ///
  /// `stage` is that of the graphs, from 1 on. The route that was asked for last is not asked for again; what fails says so
  /// when the weights are asked for.
  func advise(stage: Int, route: Route) {
    guard let stored, isNew(route, stage: stage) else { return }
    let parts = route.map { number in
      let weights = target.experts[stage - 1][number]
      return weights.offset..<(weights.offset + weights.bytes)
    }
    reader.start { parts.forEach(stored.willNeed) }
  }

  private func isNew(_ route: Route, stage: Int) -> Bool {
    advised.withLock { advised in
      if advised[stage - 1] == route { return false }
      advised[stage - 1] = route
      return true
    }
  }

  /// The tensors of an expert, as they lie in the file; always the same ones.
  private func expert(_ number: Int, of stage: Int) throws -> [String: Tensor] {
    if let known = tensors.withLock({ $0[stage - 1][number] }) { return known }
    let found = try target.experts[stage - 1][number].tensors.mapValues(tensor)
    return tensors.withLock { tensors in
      let first = tensors[stage - 1][number] ?? found
      tensors[stage - 1][number] = first
      return first
    }
  }

  private func tensor(at place: StoredTensor) throws -> Tensor {
    try readingFile(root, target.weights ?? "") {
      guard let stored else { throw FileError("its target has none") }
      return try stored.tensor(at: place)
    }
  }

  private static func open(
    _ root: URL, _ target: Target, _ kept: OpenFile?, _ map: Mapper
  ) throws -> any StoredBytes {
    try requireLittleEndian(target)
    guard let record = target.files.first(where: { $0.path == target.weights }) else {
      throw cannotRead(root, target.weights ?? "", FileError("its target does not list it"))
    }
    let file = try kept ?? CheckedFile.open(root, record).opened
    let places = target.experts.joined().flatMap(\.tensors.values)
    return try readingFile(root, record.path) {
      let size = try file.identity().size
      // What is mapped beyond the end of a file ends the process when it is read.
      if size != record.bytes { throw FileError("\(size) bytes were found instead of \(record.bytes)") }
      do {
        return try map(file, places)
      } catch let error as FileError where error.limit == nil {
        return ReadBytes(file)
      }
    }
  }

  private static func requireLittleEndian(_ target: Target) throws {
    if UInt16(1).littleEndian == 1 { return }
    throw MVMoEError(
      .engineUnsupportedPlatform,
      "target \(target.name) gives its graphs weights as they lie in a file, little-endian, and this machine is big-endian; "
        + "use a target of another strategy")
  }
}
