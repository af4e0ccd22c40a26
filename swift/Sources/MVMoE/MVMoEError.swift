import Foundation

/// What this library throws, but for `CancellationError`, ``PartialResultError`` and ``CheckFailedError``.
///
/// The message is one sentence: what was given, what was expected, what to do. Programs read ``code`` and ``fields``, which
/// are those of `docs/errors.md` and the same in every language.
public struct MVMoEError: Error, Sendable {
  /// What went wrong.
  public let code: ErrorCode

  /// One sentence for people.
  public let message: String

  /// The particulars of the code, by name.
  public let fields: [String: ErrorValue]

  /// What caused it, where something else was thrown first.
  public let cause: (any Error)?

  /// An error, for those who write an ``Engine``.
  public init(
    _ code: ErrorCode, _ message: String, fields: [String: ErrorValue] = [:], cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.fields = fields
    self.cause = cause
  }

  /// Whether an engine refuses a graph or fails to run it, or no further file, memory or thread is to be had.
  public var isEngineFailure: Bool { code.rawValue.hasPrefix("engine.") || code.rawValue.hasPrefix("limit.") }
}

extension MVMoEError: LocalizedError, CustomStringConvertible {
  public var errorDescription: String? { message }

  public var description: String { "\(message) [\(code.rawValue)]" }
}
