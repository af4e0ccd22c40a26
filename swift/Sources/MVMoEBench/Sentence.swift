import Foundation
import MVMoE

/// What an error says, in one line.
package func sentence(_ error: any Error) -> String {
  if let error = error as? MVMoEError { return error.message }
  if let error = error as? PartialResultError { return error.message }
  let line = error.localizedDescription.split(whereSeparator: \.isNewline).first ?? ""
  let said = line.isEmpty ? String(describing: type(of: error)) : line.trimmingCharacters(in: .whitespaces)
  return reason(error).map { "\(said) (\($0))" } ?? said
}

/// The code of an error, where it has one.
func code(of error: any Error) -> ErrorCode? {
  (error as? MVMoEError)?.code ?? (error is PartialResultError ? .enginePartialResult : nil)
}

/// What the system said, as programs look for it: `No space left on device`; nil where it was not the system that failed.
private func reason(_ error: any Error) -> String? {
  var cause: NSError? = error as NSError
  while let found = cause {
    if found.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(truncatingIfNeeded: found.code))) }
    cause = found.userInfo[NSUnderlyingErrorKey] as? NSError
  }
  return (error as? CocoaError)?.code == .fileWriteOutOfSpace ? String(cString: strerror(ENOSPC)) : nil
}
