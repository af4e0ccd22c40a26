import Foundation

/// The folder with compiled packages.
///
///     <folder>/opened                       the targets' keys, that which was opened last first
///     <folder>/<target>/<package>.mlmodelc
///     <folder>/new-<process>-<number>       what is moved to its place next
///
/// The system may remove it at any time while the app does not run. Nothing else in the folder is touched.
struct CacheFolder: Sendable {
  private static let opened = "opened"
  private static let new = "new-"
  private static let ownNew = "\(new)\(ProcessInfo.processInfo.processIdentifier)-"

  let folder: URL

  /// Removes a file or folder; another one in tests.
  var removing: @Sendable (URL) throws -> Void = { try FileManager.default.removeItem(at: $0) }

  /// The app's own, in its folder of caches.
  static var standard: CacheFolder {
    let caches = FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask).first
    return CacheFolder(
      folder: (caches ?? FileManager.default.temporaryDirectory).appendingPathComponent("mvmoe-coreml"))
  }

  func place(of package: String, target: String) -> URL {
    folder.appendingPathComponent(target).appendingPathComponent(package + ".mlmodelc")
  }

  func isThere(_ place: URL) -> Bool { FileManager.default.fileExists(atPath: place.path) }

  func remove(_ place: URL) { try? removing(place) }

  /// Moves what was compiled to its place, in one step; what another process has put there meanwhile is as good.
  func take(_ made: URL, to place: URL) throws -> URL {
    let files = FileManager.default
    try files.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    // The folder of temporary files may be on another volume, from where moving is copying.
    let staged = folder.appendingPathComponent(Self.ownNew + UUID().uuidString)
    try files.moveItem(at: made, to: staged)
    do {
      try files.moveItem(at: staged, to: place)
    } catch {
      remove(staged)
      guard isThere(place) else { throw error }
    }
    return place
  }

  /// Notes that a target was opened, and removes those that were not among the last ones, with what a process that was ended
  /// has left.
  func open(_ target: String, keeping count: Int) {
    let list = folder.appendingPathComponent(Self.opened)
    let before = (try? String(contentsOf: list, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    let kept = Array(([target] + before.filter { $0 != target }).prefix(count))
    let files = FileManager.default
    // Without a list, or without the folder, packages are compiled when they are needed: no reason to open nothing.
    try? files.createDirectory(at: folder, withIntermediateDirectories: true)
    try? Data(kept.joined(separator: "\n").utf8).write(to: list, options: .atomic)
    for name in (try? files.contentsOfDirectory(atPath: folder.path)) ?? [] {
      if isLeft(name) || isKey(name) && !kept.contains(name) { remove(folder.appendingPathComponent(name)) }
    }
  }

  /// Whether a process that has ended has left it: one that lives, and has the same folder, is about to move its own.
  private func isLeft(_ name: String) -> Bool {
    guard name.hasPrefix(Self.new), let process = pid_t(name.dropFirst(Self.new.count).prefix { $0 != "-" }) else {
      return false
    }
    // 0 is no process: it would mean all of this one's group.
    return process <= 0 || kill(process, 0) != 0 && errno == ESRCH
  }

  private func isKey(_ name: String) -> Bool {
    name.utf8.count == 64 && name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }
}
