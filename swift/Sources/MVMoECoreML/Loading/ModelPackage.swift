import Foundation
import MVMoE

/// A package of a target: a folder of listed files, or one file, that holds a graph or several.
struct ModelPackage: Sendable {
  /// The path in the bundle.
  let path: String

  /// The bundle's folder.
  let root: URL

  /// Its files as the manifest has them, in the order of their paths.
  let files: [FileRecord]

  /// A package of the bundle at `root`.
  init(_ path: String, target: Target, root: URL) {
    self.path = path
    self.root = root
    files = target.files.filter { $0.path == path || $0.path.hasPrefix(path + "/") }.sorted { $0.path < $1.path }
  }

  /// Where it is.
  var url: URL { root.appendingPathComponent(path) }

  /// A name that no other content, and no other version of the system, has: 64 hexadecimal digits.
  ///
  /// What one version of Core ML has compiled is not given to another.
  func key(_ version: SystemVersion) throws -> String {
    let inside = files.map { "\($0.path.dropFirst(path.count)) \($0.bytes) \($0.sha256)\n" }
    return try EngineFiles.digest(of: "\(version.description)\n" + inside.joined())
  }

  /// Reads all files once more, and refuses those that are not the manifest's any more.
  ///
  /// It runs outside of the caller's actor, in which others need not wait for it.
  nonisolated func verify() async throws { try EngineFiles.verify(files, root: root) }

  /// Such a name for all packages of a target together.
  static func key(of target: Target, root: URL, _ version: SystemVersion) throws -> String {
    let paths = Set(target.graphs.map(\.file)).sorted()
    let keys = try paths.map { try ModelPackage($0, target: target, root: root).key(version) }
    return try EngineFiles.digest(of: keys.joined(separator: "\n"))
  }
}
