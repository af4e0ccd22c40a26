import Foundation
import MVMoE

extension CoreMLEngine {
  /// Opens a bundle, compares its golden vectors, and goes on with the units' ``ComputeUnits/fallbacks`` where they are not met.
  ///
  /// It loads every expert that a golden image takes, and runs each: the first images wait for less then. Ask for
  /// ``CheckedDispatcher/rechecked()`` after a minute of work. An app that keeps ``CheckedDispatcher/computeUnits`` and gives
  /// them to its next engine spares the others' time.
  ///
  /// - Throws: As `Dispatcher.open` does; `CheckFailedError` with the first units' figures where none answers rightly.
  public func opened(
    _ bundle: URL, residency: Residency = Residency(), options: OpenOptions = OpenOptions()
  ) async throws -> CheckedDispatcher {
    try await CheckedOpening(bundle: bundle, engine: self, residency: residency, options: options).open(choices)
  }

  /// Compiles a bundle's packages and loads every graph, one after the other, and drops each at once.
  ///
  /// So Core ML makes them fit for this device and keeps the result: what loads them later waits for tenths of a second instead
  /// of seconds, and no two are in memory at once. Do it after an installation or an update of the system, while nobody waits. A
  /// graph that does not load is passed over; ``states`` and ``changes`` say so. It ends between two graphs if its task is
  /// cancelled.
  ///
  /// - Throws: As `Dispatcher.open` does, but for graphs that do not load.
  public func specialize(_ bundle: URL, options: OpenOptions = OpenOptions()) async throws {
    let opened = try ModelBundle.open(bundle.resolvingSymlinksInPath(), manifestSHA256: options.manifestSHA256)
    let target = try opened.target(ofFormat: format, options.target)
    try EngineFiles.verify(target.files, root: opened.root)
    let runner = try runner(root: opened.root, target: target)
    for graph in target.graphs {
      try Task.checkCancellation()
      do {
        _ = try await runner.load(graph)
      } catch let failure as MVMoEError where failure.isEngineFailure {
        continue
      }
    }
  }
}
