import Foundation
import MVMoE

/// Opens a bundle with one choice of units after the other, until one answers as the golden vectors.
struct CheckedOpening: Sendable {
  let bundle: URL
  let engine: CoreMLEngine
  let residency: Residency
  let options: OpenOptions

  /// With the first of `choices` that answers rightly.
  func open(_ choices: [ComputeUnits], rejected: [RejectedUnits] = []) async throws -> CheckedDispatcher {
    var rejected = rejected
    for (place, units) in choices.enumerated() {
      switch try await attempt(units) {
      case .right(let dispatcher, let check):
        return CheckedDispatcher(
          dispatcher: dispatcher, computeUnits: units, check: check, rejected: rejected, opening: self,
          left: Array(choices[(place + 1)...]))
      case .wrong(let found):
        engine.note("with the compute units \(units.rawValue) \(found.reason)")
        rejected.append(found)
      }
    }
    // Figures say more than that something did not load.
    throw rejected.first { $0.check != nil }?.error ?? rejected.first?.error ?? MissingCoreML.error
  }

  /// Whether other units may do what failed: a process that has no files or threads left has none for them either.
  static func mayBeAboutUnits(_ error: MVMoEError) -> Bool {
    switch error.code {
    case .engineUnsupportedPlatform, .engineWrongSignature, .limitFiles, .limitThreads: false
    default: error.isEngineFailure
    }
  }

  private enum Attempt {
    case right(Dispatcher, EngineCheck)
    case wrong(RejectedUnits)
  }

  private func attempt(_ units: ComputeUnits) async throws -> Attempt {
    do {
      let dispatcher = try await Dispatcher.open(
        bundle, engine: engine.with(units), residency: residency, options: options)
      return try await closing(dispatcher) { try await check(dispatcher, units) }
    } catch let failure as MVMoEError where Self.mayBeAboutUnits(failure) {
      return .wrong(RejectedUnits(units, failure))
    }
  }

  /// A Neural Engine that is cold may answer the first images wrongly and all others rightly: it is asked twice.
  private func check(_ dispatcher: Dispatcher, _ units: ComputeUnits) async throws -> Attempt {
    let first = try await dispatcher.check()
    if first.ok { return .right(dispatcher, first) }
    let second = try await dispatcher.check()
    guard second.ok else { return .wrong(RejectedUnits(units, second)) }
    engine.note("the compute units \(units.rawValue) answer rightly, but did not at first: \(first)")
    return .right(dispatcher, second)
  }

  /// A dispatcher that is not handed on is closed.
  private func closing(_ dispatcher: Dispatcher, _ work: () async throws -> Attempt) async throws -> Attempt {
    do {
      let found = try await work()
      if case .wrong = found { await dispatcher.close() }
      return found
    } catch {
      await dispatcher.close()
      throw error
    }
  }
}
