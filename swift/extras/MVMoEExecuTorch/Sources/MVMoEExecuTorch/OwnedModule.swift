import Foundation

/// A module with one method loaded, which one thread at a time uses. It is counted until its memory is free.
///
/// It is `@unchecked Sendable` because the method is reached under the lock alone.
final class OwnedModule: @unchecked Sendable {
  /// Nothing says that ExecuTorch is made for several loads at once. Who waits for a long one holds no thread of Swift's meanwhile, of
  /// which there are only as many as cores.
  private static let loading = DispatchQueue(label: "io.github.mvmoe.executorch.loading")

  private let running = NSLock()
  private var method: (any ExecuTorchMethod)?
  private let modules: ModuleCount

  private init(_ modules: ModuleCount) {
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
  ) async throws -> OwnedModule {
    let module = OwnedModule(modules)
    try await withCheckedThrowingContinuation { continuation in
      // The queue holds no module: whoever waits is the one who frees it.
      loading.async { [unowned module] in
        continuation.resume(with: Result { try module.hold(programs.load(file, method: method)) })
      }
    }
    return module
  }

  private func hold(_ loaded: any ExecuTorchMethod) { running.withLock { method = loaded } }

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
