import Foundation
import MVMoE

/// A compiled package on the storage.
struct CompiledModel: Sendable, Equatable {
  let url: URL

  /// Whether this process has compiled it: what is left of an earlier one may be damaged.
  let isFresh: Bool
}

/// Packages as Core ML has compiled them, in a folder of the app: one for each target, in it one for each package.
///
/// A package is compiled once, however many tasks ask for it, and moved to its place in one step, so that a process which is
/// ended leaves a whole one or none. Folders of targets that were not opened for a while are removed.
actor CompiledModels {
  private let system: any CoreMLSystem
  private let cache: CacheFolder
  private let timeLimit: TimeLimit
  private var running: [String: Task<CompiledModel, any Error>] = [:]
  private var fresh: Set<String> = []

  init(system: any CoreMLSystem, cache: CacheFolder, timeLimit: TimeLimit) {
    self.system = system
    self.cache = cache
    self.timeLimit = timeLimit
  }

  /// A package of a target, compiled.
  ///
  /// - Throws: What Core ML says, ``TimeLimitExceeded``, or an error of the file system.
  func model(of package: ModelPackage, target: String) async throws -> CompiledModel {
    let key = try package.key(system.version)
    if let task = running[key] { return try await task.value }
    let place = cache.place(of: key, target: target)
    if cache.isThere(place) { return CompiledModel(url: place, isFresh: fresh.contains(key)) }
    let task = Task { try await compile(package, key, to: place) }
    running[key] = task
    defer { running[key] = nil }
    return try await task.value
  }

  /// Forgets what an earlier process has compiled of a package, since it may be damaged: it is compiled again when it is asked
  /// for.
  func discard(_ package: ModelPackage, target: String) throws {
    let key = try package.key(system.version)
    if !fresh.contains(key) { cache.remove(cache.place(of: key, target: target)) }
  }

  private func compile(_ package: ModelPackage, _ key: String, to place: URL) async throws -> CompiledModel {
    let (system, cache) = (system, cache)
    let made = try await timeLimit.run {
      try await system.compile(package.url)
    } dropping: { late in
      cache.remove(late)
    }
    do {
      // What lies under a name must be what the name says, whatever happened to the bundle meanwhile.
      try await package.verify()
      let url = try cache.take(made, to: place)
      // At once: a graph that the package before did not load may be about to discard it.
      fresh.insert(key)
      return CompiledModel(url: url, isFresh: true)
    } catch {
      cache.remove(made)
      throw error
    }
  }
}
