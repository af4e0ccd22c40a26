/// The whole of `manifest.json` (`docs/bundle.md`); only a reader that has checked it makes one.
public struct Manifest: Sendable {
  /// The model that was exported.
  public let model: ModelInfo

  /// Where it came from.
  public let source: Source

  /// The input, and what makes it from an image.
  public let input: InputSpec

  /// The steps of inference, stem first.
  public let stages: [Stage]

  /// What the model gives, in the order in which it declares it.
  public let outputs: [OutputSpec]

  /// The graphs of each target, in the manifest's order.
  public let targets: [Target]

  /// For each routed stage which routes are used how often; nil where nothing is known.
  public let usagePrior: [[RouteShare]]?

  /// The golden vectors.
  public let golden: GoldenSpec

  /// What the export has fixed of the model's routing, by ascending stage; a reader need not look at it.
  public let restrictions: [Restriction]

  /// The rule of each routed stage.
  public var rules: [any Rule] { stages.compactMap(\.rule) }

  /// The target of this name; nil where there is none.
  func target(named name: String) -> Target? { targets.first { $0.name == name } }
}
