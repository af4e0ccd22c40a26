import Foundation
import MVMoE

/// Copies bundles to where they stay as they are: what the user has picked may be changed or taken away, and an update
/// of the app moves what it was shipped with.
///
/// A bundle that is installed has the manifest's SHA-256 in its path, so that nothing is copied again before it
/// changes. A new one takes the old one's place at once when it is whole: whatever happens on the way (the storage is
/// full, the app is killed), the old one stays as it is, or there is none. A dispatcher that has the old one open goes
/// on with what it has in memory; an expert that it would load then is refused (`bundle.replaced`).
actor BundleInstaller {
  /// Where bundles are installed. It is no cache, which the system empties.
  nonisolated let directory: URL

  private let freeBytes: @Sendable (URL) -> Int?

  /// - Parameter freeBytes: how much the storage below a folder has room for; nil where nobody knows.
  init(directory: URL, freeBytes: @escaping @Sendable (URL) -> Int? = Storage.freeBytes) {
    self.directory = directory
    self.freeBytes = freeBytes
  }

  /// The bundle in a folder, installed in the place of that name.
  ///
  /// - Throws: `MVMoEError` if there is none (`bundle.missing`), it is damaged, or the storage is full
  ///   (`limit.reached`). Nothing is left of what was copied then.
  func install(_ folder: URL, place: String, access: FolderAccess) throws -> URL {
    let place = directory.appendingPathComponent(place, isDirectory: true)
    var installed = place
    do {
      try access(folder) { source in
        installed = try Installation(source: source, place: place, freeBytes: freeBytes).run()
      }
    } catch  where Storage.isFull(error) {
      throw Installation.storageFull(folder, cause: error)
    } catch let error as MVMoEError {
      throw error
    } catch let error as CancellationError {
      throw error
    } catch {
      throw MVMoEError(
        .bundleInvalid,
        "bundle \(folder.path) cannot be copied to \(directory.path) (\(sentence(of: error))); try again, or take it from "
          + "elsewhere", cause: error)
    }
    return installed
  }
}
