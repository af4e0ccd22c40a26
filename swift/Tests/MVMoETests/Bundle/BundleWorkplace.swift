import Foundation

@testable import MVMoE

/// Folders with the valid bundles, in which each case is made and undone; of one task at a time.
final class BundleWorkplace {
  private let folder = TemporaryFolder()

  /// What `use` makes of a bundle with some edits.
  func edited<Result>(
    _ name: String, _ edits: [BundleEdit] = [], _ use: (URL) throws -> Result
  ) throws -> Result {
    guard let files = try BundlesSuite.valid()[name]?.files else {
      throw UnreadableCase(value: name, expected: "a valid bundle")
    }
    let root = folder[name]
    if !FileManager.default.fileExists(atPath: root.path) { try write(name, files) }
    let changed = try replaced(files, edits)
    defer { undo(name, files, changed, edits) }
    try write(name, changed)
    for edit in edits { try change(root, edit) }
    return try use(root)
  }

  /// The files whose bytes edits change, after that.
  private func replaced(_ files: [String: [UInt8]], _ edits: [BundleEdit]) throws -> [String: [UInt8]] {
    var changed: [String: [UInt8]] = [:]
    for edit in edits {
      guard case .bytes(let place, let count, let insert) = edit.change else { continue }
      var content = changed[edit.file] ?? files[edit.file] ?? []
      guard place + count <= content.count else {
        throw UnreadableCase(value: "\(place)", expected: "a place inside of \(edit.file)")
      }
      content.replaceSubrange(place..<place + count, with: insert.bytes)
      changed[edit.file] = content
    }
    return changed
  }

  private func change(_ root: URL, _ edit: BundleEdit) throws {
    let place = edit.file == "." ? root : root.appendingPathComponent(edit.file)
    switch edit.change {
    case .bytes:
      break
    case .remove:
      try FileManager.default.removeItem(at: place)
    case .folder:
      try FileManager.default.removeItem(at: place)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
    case .link:
      let moved = root.appendingPathComponent("moved-away")
      try FileManager.default.moveItem(at: place, to: moved)
      try FileManager.default.createSymbolicLink(at: place, withDestinationURL: moved)
    }
  }

  private func undo(_ name: String, _ files: [String: [UInt8]], _ changed: [String: [UInt8]], _ edits: [BundleEdit]) {
    let before = files.filter { changed[$0.key] != nil }
    let onlyBytes = edits.allSatisfy { if case .bytes = $0.change { true } else { false } }
    if onlyBytes, before.count == changed.count, (try? write(name, before)) != nil { return }
    try? FileManager.default.removeItem(at: folder[name])
  }

  private func write(_ name: String, _ files: [String: [UInt8]]) throws {
    for (path, bytes) in files { try folder.write("\(name)/\(path)", bytes) }
  }
}
