import MVMoE
import MVMoEBench

/// The engines that an app measures with.
public struct BenchEngines: Engines {
  /// Every way that the app knows to run a target, the usual one of each format first.
  public let ways: [EngineWay]

  /// Versions by name, of engines that are not the system's.
  public let packages: [String: String]

  /// Engines.
  public init(_ ways: [EngineWay], packages: [String: String] = [:]) {
    self.ways = ways
    self.packages = packages
  }

  /// The ways that work in this build, on this phone.
  public var variants: [EngineVariant] { ways.filter { $0.missing == nil }.map(\.variant) }

  /// An engine of the way that has these options; of the usual way without any.
  public func engine(format: String, threads: Int, options: [String: String]) throws -> any Engine {
    let fitting = ways.filter { $0.variant.format == format && $0.missing == nil }
    guard let usual = fitting.first else { throw Self.noEngine(format) }
    if options.isEmpty { return try usual.make(threads) }
    guard let way = fitting.first(where: { $0.variant.options == options }) else {
      throw Self.unknown(options, fitting)
    }
    return try way.make(threads)
  }

  private static func noEngine(_ format: String) -> MVMoEError {
    MVMoEError(
      .engineUnsupportedPlatform,
      "this app has no engine for the format \(format); measure another target, or build the app with it",
      fields: ["format": .text(format)])
  }

  private static func unknown(_ options: [String: String], _ ways: [EngineWay]) -> MVMoEError {
    let known = ways.map(\.variant.options).filter { !$0.isEmpty }.map(told)
    let expected = known.isEmpty ? "none" : known.joined(separator: ", or ")
    return MVMoEError(
      .engineOption, "the engine options \(told(options)) were given; this app has \(expected)",
      fields: ["option": .text(options.keys.sorted().joined(separator: ", "))])
  }

  private static func told(_ options: [String: String]) -> String {
    options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " and ")
  }
}
