import Foundation
import MVMoE

/// A dispatcher whose compute units answer as the bundle's golden vectors.
///
///     let opened = try await CoreMLEngine().opened(folder)
///     ...                                        // a minute of work
///     let later = try await opened.rechecked()   // the same one, or one with other units
///
public struct CheckedDispatcher: Sendable {
  /// It; where some graphs do not load on ``computeUnits``, its `provider` names others too.
  public let dispatcher: Dispatcher

  /// The units that were tried first, and answer rightly.
  public let computeUnits: ComputeUnits

  /// How they answer.
  public let check: EngineCheck

  /// Units that were tried before, the first one first, with what was wrong.
  public let rejected: [RejectedUnits]

  private let opening: CheckedOpening
  private let left: [ComputeUnits]

  init(
    dispatcher: Dispatcher, computeUnits: ComputeUnits, check: EngineCheck, rejected: [RejectedUnits],
    opening: CheckedOpening, left: [ComputeUnits]
  ) {
    self.dispatcher = dispatcher
    self.computeUnits = computeUnits
    self.check = check
    self.rejected = rejected
    self.opening = opening
    self.left = left
  }

  /// Compares the golden vectors once more: units may answer wrongly from some run on.
  ///
  /// Gives this dispatcher if it answers as they do. Else this one is closed, when the calls in flight have ended, and another
  /// is opened with the next units: give that one your images.
  ///
  /// - Throws: `CheckFailedError` where no units are left that answer as the golden vectors, and whatever opening throws;
  ///   this dispatcher is closed then.
  public func rechecked() async throws -> CheckedDispatcher {
    do {
      let again = try await dispatcher.check()
      if again.ok {
        return CheckedDispatcher(
          dispatcher: dispatcher, computeUnits: computeUnits, check: again, rejected: rejected, opening: opening,
          left: left)
      }
      await dispatcher.close()
      return try await opening.open(left, rejected: rejected + [RejectedUnits(computeUnits, again)])
    } catch let failure as MVMoEError where CheckedOpening.mayBeAboutUnits(failure) {
      await dispatcher.close()
      return try await opening.open(left, rejected: rejected + [RejectedUnits(computeUnits, failure)])
    }
  }
}

/// Compute units that were tried and are not used.
public struct RejectedUnits: Sendable {
  /// The units.
  public let computeUnits: ComputeUnits

  /// How they answer; nil if they did not load or run a graph.
  public let check: EngineCheck?

  /// What was wrong, in a sentence.
  public let reason: String

  /// What opening throws if nothing else is left.
  let error: any Error

  init(_ units: ComputeUnits, _ check: EngineCheck) {
    computeUnits = units
    self.check = check
    reason = check.description
    error = CheckFailedError(check)
  }

  init(_ units: ComputeUnits, _ error: MVMoEError) {
    computeUnits = units
    check = nil
    reason = error.message
    self.error = error
  }
}
