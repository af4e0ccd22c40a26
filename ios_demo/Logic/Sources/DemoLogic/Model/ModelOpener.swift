import Foundation
import MVMoE

/// The dispatchers of an installed bundle.
struct OpenedBundle: Sendable {
  let folder: URL
  let routed: Dispatcher
  let allExperts: Dispatcher?
  let withoutAllExperts: String?

  func close() async {
    await routed.close()
    await allExperts?.close()
  }
}

/// Opens an installed bundle: the target that routes, and beside it the one that computes all experts, if there is one.
struct ModelOpener: Sendable {
  private static let allExpertsStrategy = "all-experts"

  let engine: EngineChoice

  /// - Throws: `MVMoEError` and `CheckFailedError` for a bundle that cannot be used here: it is damaged, lacks a target
  ///   for the engine, or the engine does not load it, or does not answer as the bundle's golden vectors.
  func open(_ folder: URL) async throws -> OpenedBundle {
    let routed = try await dispatcher(folder, OpenOptions())
    do {
      return try await withAllExperts(folder, routed)
    } catch {
      await routed.close()
      throw error
    }
  }

  private func withAllExperts(_ folder: URL, _ routed: Dispatcher) async throws -> OpenedBundle {
    guard let target = allExperts(routed) else {
      return OpenedBundle(
        folder: folder, routed: routed, allExperts: nil, withoutAllExperts: AppPhrase.noAllExperts.text)
    }
    do {
      let allExperts = try await dispatcher(folder, OpenOptions(target: target.name))
      return OpenedBundle(folder: folder, routed: routed, allExperts: allExperts, withoutAllExperts: nil)
    } catch let cancelled as CancellationError {
      throw cancelled
    } catch {
      return OpenedBundle(folder: folder, routed: routed, allExperts: nil, withoutAllExperts: sentence(of: error))
    }
  }

  /// The one of the same format, if somebody has exported it and nobody has left it out.
  private func allExperts(_ routed: Dispatcher) -> Target? {
    let removed = routed.bundle.removedTargets()
    return routed.bundle.manifest.targets.first { target in
      target.format == routed.target.format && target.strategy == Self.allExpertsStrategy
        && target.name != routed.target.name && removed[target.name] == nil
    }
  }

  /// Checked on the golden images: an engine that answers wrongly is refused here, not noticed by the user.
  private func dispatcher(_ folder: URL, _ options: OpenOptions) async throws -> Dispatcher {
    let opened = try await engine.open(folder, options)
    do {
      try await opened.check().requireOk()
      try Task.checkCancellation()
    } catch {
      await opened.close()
      throw error
    }
    // The golden images took all routes: from here on an expert is loaded when one of the user's images needs it.
    await opened.trim()
    return opened
  }
}
