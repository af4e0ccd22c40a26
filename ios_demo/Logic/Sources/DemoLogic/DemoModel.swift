import Foundation
import Observation

/// What the whole app shares; it outlives screens.
@Observable @MainActor
public final class DemoModel {
  /// The bundle that is answered with.
  public let store: ModelStore

  /// The screen *Try*.
  public let trying: TryModel

  /// The screen *Bench*.
  public let bench: BenchModel

  /// - Parameters:
  ///   - own: the folder of the bundle that the app was built with; nil where it was built without one.
  ///   - directory: where bundles are installed: a folder of the app's own in Application Support.
  ///   - camera: nil where the app has none.
  ///   - benchEngines: what the screen *Bench* measures with.
  ///   - results: where its files are.
  ///   - keepScreenOn: is told when it begins to measure and when it ends: a screen that goes dark lets the phone sleep.
  ///   - access: how a folder is read that the user has picked.
  public init(
    engines: EngineChoices, own: URL?, directory: URL, surroundings: any Surroundings, camera: (any Camera)?,
    benchEngines: BenchEngines, results: URL, keepScreenOn: @escaping @MainActor (Bool) -> Void,
    access: @escaping FolderAccess = { folder, read in try read(folder) }
  ) {
    store = ModelStore(engines: engines, own: own, directory: directory, surroundings: surroundings, access: access)
    trying = TryModel(store: store, camera: camera)
    bench = BenchModel(store: store, engines: benchEngines, results: results, keepScreenOn: keepScreenOn)
  }
}
