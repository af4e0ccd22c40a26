import Foundation
import MVMoE

/// How ``CoreMLEngine`` compiles, loads and runs graphs.
public struct CoreMLOptions: Sendable {
  /// What graphs may run on.
  public var computeUnits: ComputeUnits

  /// Whether a graph that does not load on ``computeUnits`` is loaded on their ``ComputeUnits/fallbacks``.
  public var fallsBack: Bool

  /// How long one graph may be compiled, and how long it may load on each choice of units; nil for no limit.
  ///
  /// Core ML makes a graph fit for the Neural Engine when it loads it for the first time after an installation or a system
  /// update. That takes seconds, for large graphs minutes; sometimes it never ends.
  public var loadTimeLimit: Duration?

  /// Whether Core ML makes graphs as fast as it can, at the cost of time to load, memory and storage (iOS 18, macOS 15).
  public var prefersFastPrediction: Bool

  /// The folder for compiled packages; nil for one in the app's folder of caches.
  public var cache: URL?

  /// Of how many targets compiled packages are kept: those that were opened last.
  public var cachedTargets: Int

  /// Options; they are checked when a dispatcher is opened (`input.invalid`).
  public init(
    computeUnits: ComputeUnits = .cpuAndNeuralEngine, fallsBack: Bool = true, loadTimeLimit: Duration? = .seconds(60),
    prefersFastPrediction: Bool = false, cache: URL? = nil, cachedTargets: Int = 3
  ) {
    self.computeUnits = computeUnits
    self.fallsBack = fallsBack
    self.loadTimeLimit = loadTimeLimit
    self.prefersFastPrediction = prefersFastPrediction
    self.cache = cache
    self.cachedTargets = cachedTargets
  }

  /// All units in the order in which they are tried.
  var choices: [ComputeUnits] { fallsBack ? [computeUnits] + computeUnits.fallbacks : [computeUnits] }

  /// - Throws: `MVMoEError` (`input.invalid`) for a number that makes no sense.
  func check() throws {
    if let loadTimeLimit, loadTimeLimit <= .zero {
      throw MVMoEError(
        .inputInvalid, "loadTimeLimit \(inWords(loadTimeLimit)) was given; expected more than 0 s, or nil")
    }
    if cachedTargets < 1 {
      throw MVMoEError(.inputInvalid, "cachedTargets \(cachedTargets) was given; expected at least 1")
    }
  }
}
