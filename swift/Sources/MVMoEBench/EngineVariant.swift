/// One way in which a device runs the targets of a format.
public struct EngineVariant: Sendable, Hashable {
  /// Of the targets: `coreml`.
  public let format: String

  /// The engine with its version, for people: `Core ML, iOS 18.1`.
  public let engine: String

  /// Where the engine runs its graphs: `CPU`, `Neural Engine`; nil where it has no such choice.
  public let provider: String?

  /// What ``Engines/engine(format:threads:options:)`` is given.
  public let options: [String: String]

  /// Tells several ways of one format apart in the names of subjects; empty for the usual one.
  public let label: String

  /// A way.
  public init(
    format: String, engine: String, provider: String? = nil, options: [String: String] = [:], label: String = ""
  ) {
    self.format = format
    self.engine = engine
    self.provider = provider
    self.options = options
    self.label = label
  }

  var requested: EngineChoice { EngineChoice(engine: engine, provider: provider) }

  var plain: PlainData {
    ["requested": requested.plain, "engine_options": .named(options.mapValues(PlainData.text)), "label": .text(label)]
  }
}
