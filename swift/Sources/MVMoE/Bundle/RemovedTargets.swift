import Foundation

/// Finds the targets of which somebody has removed all own files.
struct RemovedTargets {
  private let files: PlainFiles
  private let manifest: Manifest

  /// How many lists have each path: a file that is in one only is the target's own.
  private let listed: [String: Int]

  init(_ root: URL, _ manifest: Manifest) {
    files = PlainFiles(root)
    self.manifest = manifest
    let paths = (manifest.targets.flatMap(\.files) + [manifest.golden.file]).map(\.path)
    listed = Dictionary(paths.map { ($0, 1) }, uniquingKeysWith: +)
  }

  /// By name, each with a clause that says which files were removed.
  func find() -> [String: String] {
    var removed: [String: String] = [:]
    for target in manifest.targets {
      let paths = target.files.map(\.path)
      let missing = Set(paths.filter(files.isMissing))
      let own = paths.filter { listed[$0] == 1 }
      if missing.isEmpty || !missing.isSuperset(of: own) { continue }
      removed[target.name] = clause(missing.sorted())
    }
    return removed
  }

  private func clause(_ missing: [String]) -> String {
    let others = missing.count > 1 ? " and \(missing.count - 1) more" : ""
    return "its files were removed from the bundle: \(missing.first ?? "")\(others)"
  }
}
