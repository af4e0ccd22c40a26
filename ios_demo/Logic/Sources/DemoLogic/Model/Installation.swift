import Foundation
import MVMoE

/// One bundle's way into its place: `<place>/<SHA-256 of its manifest>`.
///
/// It is copied to a folder beside, which is renamed when it is whole.
struct Installation {
  private static let manifest = "manifest.json"
  private static let part = ".part"

  let source: URL
  let place: URL
  let freeBytes: (URL) -> Int?

  private var files: FileManager { .default }

  /// Where it is installed.
  func run() throws -> URL {
    let bundle = try open()
    let installed = place.appendingPathComponent(bundle.manifestSHA256, isDirectory: true)
    try files.createDirectory(at: place, withIntermediateDirectories: true)
    try Storage.leaveOutOfBackups(place)
    if !isWhole(installed) { try replace(bundle, installed) }
    try removeOthers(than: installed)
    return installed
  }

  /// Its paths are checked here, before one of them is used.
  private func open() throws -> ModelBundle {
    let isThere = files.fileExists(atPath: source.appendingPathComponent(Self.manifest).path)
    if isThere { return try ModelBundle.open(source) }
    throw MVMoEError(
      .bundleMissing, "bundle \(source.path) has no \(Self.manifest); give a folder that mvmoe export has written",
      fields: ["bundle": .text(source.path)])
  }

  /// Whether all files are there; one that a killed process has cut off is copied again.
  private func isWhole(_ installed: URL) -> Bool {
    guard let bundle = try? ModelBundle.open(installed) else { return false }
    return present(bundle).allSatisfy { file in
      Storage.size(of: installed.appendingPathComponent(file.path)) == file.bytes
    }
  }

  private func replace(_ bundle: ModelBundle, _ installed: URL) throws {
    let records = present(bundle)
    try requireSpace(records)
    // Here, so that what is wrong is said of the folder that the user knows.
    try bundle.verify(targets: targets(bundle).map(\.name))
    let part = place.appendingPathComponent(Self.part, isDirectory: true)
    try? files.removeItem(at: part)
    defer { try? files.removeItem(at: part) }
    try copy([Self.manifest] + records.map(\.path), part)
    // The files may have changed on the way, and a storage may lose what is written.
    let copied = try ModelBundle.open(part, manifestSHA256: bundle.manifestSHA256)
    try copied.verify(targets: targets(bundle).map(\.name))
    try? files.removeItem(at: installed)
    try files.moveItem(at: part, to: installed)
  }

  private func copy(_ paths: [String], _ part: URL) throws {
    for path in paths {
      try Task.checkCancellation()
      let file = part.appendingPathComponent(path)
      try files.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Storage.copy(source.appendingPathComponent(path), to: file)
    }
  }

  /// An application may ship one target of several.
  private func targets(_ bundle: ModelBundle) -> [Target] {
    let removed = bundle.removedTargets()
    return bundle.manifest.targets.filter { removed[$0.name] == nil }
  }

  /// Every file that is there, once.
  private func present(_ bundle: ModelBundle) -> [FileRecord] {
    var seen: Set<[UInt8]> = []
    let all = targets(bundle).flatMap(\.files) + [bundle.manifest.golden.file]
    return all.filter { seen.insert(Array($0.path.utf8)).inserted }
  }

  private func requireSpace(_ records: [FileRecord]) throws {
    let needed = records.reduce(0) { sum, file in
      let (more, overflows) = sum.addingReportingOverflow(file.bytes)
      return overflows ? Int.max : more
    }
    guard let free = freeBytes(place), free < needed else { return }
    throw Self.storageFull(source, needed: needed, free: free)
  }

  private func removeOthers(than installed: URL) throws {
    for name in try files.contentsOfDirectory(atPath: place.path) where name != installed.lastPathComponent {
      try? files.removeItem(at: place.appendingPathComponent(name))
    }
  }

  static func storageFull(_ source: URL, needed: Int? = nil, free: Int? = nil, cause: (any Error)? = nil) -> MVMoEError
  {
    var sizes = ""
    var fields: [String: ErrorValue] = [:]
    if let needed, let free {
      sizes = ": it needs \(needed) bytes, and \(free) are free"
      fields = ["needed": .integer(needed), "free": .integer(free)]
    }
    return MVMoEError(
      .limitReached, "the storage is too full for bundle \(source.path)\(sizes); free some, or export fewer targets",
      fields: fields, cause: cause)
  }
}
