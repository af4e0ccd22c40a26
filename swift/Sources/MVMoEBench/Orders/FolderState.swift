import Foundation
import MVMoE

/// What a folder's `state.json` says; it is replaced in one step, so that whoever reads it sees one state or the next.
///
/// A full storage has no room for two of them: then the file is written over, since the end of the work has to be told.
final class FolderState: Sendable {
  /// How far the work is.
  enum Name: String {
    case running, done, failed
  }

  private let file: URL
  private let beat = Guarded(0)

  init(_ folder: URL) { file = folder.appendingPathComponent("state.json") }

  /// Says how far the work is, at whom, and why it has failed.
  func write(_ name: Name, subject: String? = nil, message: String? = nil, code: String? = nil) throws {
    // One thread at a time, so that beats grow in the file too.
    try beat.withLock { beat in
      let state: PlainData = [
        "state": .text(name.rawValue), "subject": .optional(subject), "message": .optional(message),
        "code": .optional(code), "beat": .integer(beat),
      ]
      let text = try state.json()
      beat += 1
      do {
        try Self.replace(file, text)
      } catch {
        try Data(text.utf8).write(to: file)
      }
    }
  }

  /// Writes a file anew in one step.
  static func replace(_ file: URL, _ text: String) throws {
    let partial = URL(fileURLWithPath: file.path + ".part")
    do {
      try Data(text.utf8).write(to: partial)
    } catch {
      throw FileFailure("\(partial.path) cannot be written: \(sentence(error))")
    }
    guard rename(partial.path, file.path) == 0 else {
      throw FileFailure("\(file.path) cannot be replaced; give a folder that this process may write to")
    }
  }
}
