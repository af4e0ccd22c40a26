import Foundation

/// What the system said of a file, in a sentence.
package struct FileFailure: LocalizedError {
  let message: String

  package init(_ message: String) { self.message = message }

  package var errorDescription: String? { message }
}
