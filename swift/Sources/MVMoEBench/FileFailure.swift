import Foundation

/// What the system said of a file, in a sentence.
struct FileFailure: LocalizedError {
  let message: String

  init(_ message: String) { self.message = message }

  var errorDescription: String? { message }
}
