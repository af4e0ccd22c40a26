import Foundation
import MVMoE

/// A bundle whose graphs are open.
@MainActor
public final class OpenModel: Identifiable {
  /// Where it is installed.
  public nonisolated let folder: URL

  /// What people call it.
  public nonisolated let name: String

  /// What it was opened with.
  public nonisolated let engine: EngineChoice

  /// Runs the experts alone that an image needs.
  public nonisolated let routed: Dispatcher

  /// The same model with every expert computed for every image, to compare with; nil where the bundle has no such
  /// target, or it cannot be opened.
  public nonisolated let allExperts: Dispatcher?

  /// Why there is no ``allExperts``, in a sentence.
  public nonisolated let withoutAllExperts: String?

  /// What is in the memory of ``routed``, and what was loaded when, from here on.
  public let experts: ExpertsModel

  init(_ opened: OpenedBundle, _ engine: EngineChoice, words: Words) async {
    folder = opened.folder
    name = opened.routed.bundle.manifest.model.name
    self.engine = engine
    routed = opened.routed
    allExperts = opened.allExperts
    withoutAllExperts = opened.withoutAllExperts
    experts = await ExpertsModel(opened.routed, words: words)
  }

  /// Releases what is not pinned.
  nonisolated func trim() async {
    await routed.trim()
    await allExperts?.trim()
  }

  /// Waits for calls in flight.
  func close() async {
    experts.close()
    await routed.close()
    await allExperts?.close()
  }
}
