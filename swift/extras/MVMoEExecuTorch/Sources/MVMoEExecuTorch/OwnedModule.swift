import Foundation

/// A module with one method loaded, which one thread at a time uses. It is counted until its memory is free.
///
/// It is `@unchecked Sendable` because the method is reached under the lock alone.
final class OwnedModule: @unchecked Sendable {
  /// Nothing says that ExecuTorch is made for several loads at once.
  private static let loading = NSLock()

  private let running = NSLock()
  private var method: (any ExecuTorchMethod)?
  private let modules: ModuleCount

  private init(_ method: any ExecuTorchMethod, _ modules: ModuleCount) {
    self.method = method
    self.modules = modules
    modules.add(1)
  }

  deinit {
    method = nil
    modules.add(-1)
  }

  /// Maps the file and loads the method; nothing stays open where that fails.
  static func load(
    _ file: URL, _ method: String, programs: any ExecuTorchPrograms, modules: ModuleCount
  ) throws -> OwnedModule {
    OwnedModule(try loading.withLock { try programs.load(file, method: method) }, modules)
  }

  /// Works with the method; others wait.
  func withMethod<Result>(_ work: (any ExecuTorchMethod) throws -> Result) throws -> Result {
    try running.withLock {
      guard let method else { throw CocoaError(.featureUnsupported) }
      return try work(method)
    }
  }
}

/// How many modules an engine has open.
///
/// It is `@unchecked Sendable` because the number is reached under the lock alone.
final class ModuleCount: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0

  var value: Int { lock.withLock { count } }

  func add(_ number: Int) { lock.withLock { count += number } }
}
