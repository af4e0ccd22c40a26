import Foundation

/// The engine does not answer as the bundle's golden vectors.
public struct CheckFailedError: Error, Sendable {
  /// The figures.
  public let check: EngineCheck

  package init(_ check: EngineCheck) { self.check = check }

  /// `check.engine`.
  public var code: ErrorCode { .checkEngine }

  /// One sentence for people.
  public var message: String { "\(check); use another engine, or other options of it" }

  /// The particulars of the code, by name.
  public var fields: [String: ErrorValue] {
    [
      "rerouted": .list(check.rerouted.map(ErrorValue.integer)),
      "router_error": .number(check.routerError),
      "router_error_bound": .number(check.routerErrorBound),
      "answer_error": .number(check.answerError),
      "answer_error_bound": .number(check.answerErrorBound),
      "disagreeing": .list(check.disagreeing.map { .text($0.name) }),
    ]
  }
}

extension CheckFailedError: LocalizedError, CustomStringConvertible {
  public var errorDescription: String? { message }

  public var description: String { "\(message) [\(code.rawValue)]" }
}
