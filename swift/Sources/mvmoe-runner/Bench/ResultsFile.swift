import Foundation
import MVMoE
import MVMoEBench

/// A file that is made, or emptied, when its first lines come: what was there before outlives a run that is refused.
final class ResultsFile: Sendable {
  private let place: URL
  private let handle = Guarded<FileHandle?>(nil)

  /// The file at a place, which is not touched yet.
  init(_ place: URL) { self.place = place }

  /// Adds lines; throws an error that names the file.
  func write(_ lines: Data) throws {
    try handle.withLock { handle in
      do {
        let file = try handle ?? opened()
        handle = file
        try file.write(contentsOf: lines)
      } catch {
        throw FileFailure("\(place.path) cannot be written: \(sentence(error))")
      }
    }
  }

  private func opened() throws -> FileHandle {
    if access(place.path, F_OK) != 0 { try Data().write(to: place) }
    let file = try FileHandle(forWritingTo: place)
    // What is no file, such as a pipe, has no length.
    try? file.truncate(atOffset: 0)
    return file
  }
}
