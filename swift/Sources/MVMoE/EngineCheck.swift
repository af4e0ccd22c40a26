import Foundation

/// How an engine answers a bundle's golden images, and how far it may be off.
///
/// Errors are the largest differences from PyTorch, relative to the largest golden value: of the routers' logits, and of the
/// outputs of images on the golden route, of several outputs that which is furthest off. They are infinite where the engine
/// gives what is not finite.
public struct EngineCheck: Sendable {
  /// How many golden images there are.
  public let images: Int

  /// Images on another route although it is no near-tie.
  public let rerouted: [Int]

  /// Images on another route because two experts are as good as equal, which is no fault.
  public let nearTies: [Int]

  /// Of the routers' logits.
  public let routerError: Double

  /// What ``routerError`` may be.
  public let routerErrorBound: Double

  /// Of the outputs.
  public let answerError: Double

  /// What ``answerError`` may be.
  public let answerErrorBound: Double

  /// Each output, in the order in which the model declares them; empty if no image takes the golden route.
  public let outputs: [CheckedOutput]

  /// Whether every image takes its route, and every figure is within its bound.
  public var ok: Bool {
    rerouted.isEmpty && routerError <= routerErrorBound && answerError <= answerErrorBound && disagreeing.isEmpty
  }

  /// - Throws: ``CheckFailedError`` with the figures (`check.engine`) if the engine falls short.
  public func requireOk() throws {
    if !ok { throw CheckFailedError(self) }
  }

  var disagreeing: [CheckedOutput] { outputs.filter { !$0.agrees } }
}

extension EngineCheck: CustomStringConvertible {
  /// The figures in a sentence.
  public var description: String {
    let verdict = ok ? "answers" : "does not answer"
    return "the engine \(verdict) as the bundle's golden vectors: \(rerouted.count) of \(images) images take another "
      + "route, router logits are off by \(Self.brief(routerError)) of the largest (bound \(Self.brief(routerErrorBound))), "
      + "outputs by \(Self.brief(answerError)) (bound \(Self.brief(answerErrorBound)))\(disagreements)"
  }

  private var disagreements: String {
    disagreeing.map { found in
      ", the output \(found.name) has a \(found.measure ?? "") of \(found.agreement ?? 0) "
        + "(at least \(found.leastAgreement ?? 0))"
    }.joined()
  }

  private static func brief(_ number: Double) -> String { String(format: "%.2g", number) }
}
