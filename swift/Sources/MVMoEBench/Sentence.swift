import Foundation
import MVMoE

/// What an error says, in one line.
func sentence(_ error: any Error) -> String {
  if let error = error as? MVMoEError { return error.message }
  if let error = error as? PartialResultError { return error.message }
  let line = error.localizedDescription.split(whereSeparator: \.isNewline).first ?? ""
  return line.isEmpty ? String(describing: type(of: error)) : line.trimmingCharacters(in: .whitespaces)
}

/// The code of an error, where it has one.
func code(of error: any Error) -> ErrorCode? {
  (error as? MVMoEError)?.code ?? (error is PartialResultError ? .enginePartialResult : nil)
}
