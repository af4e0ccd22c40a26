import Foundation
import MVMoE

/// What an error says to people: the library's own sentence, or the system's.
func sentence(of error: any Error) -> String {
  switch error {
  case let error as MVMoEError: error.message
  case let error as CheckFailedError: error.message
  case let error as any LocalizedError: error.errorDescription ?? error.localizedDescription
  default: error.localizedDescription
  }
}

/// Whether an engine did not do its work, as it may not where the app is in the background.
func isEngineFailure(_ error: any Error) -> Bool {
  error is CheckFailedError || error is PartialResultError || (error as? MVMoEError)?.isEngineFailure == true
}
