import MVMoE

/// One thing that a run of its own measures: a target of the bundle, run in one way.
public struct OwnSubject: Sendable, Hashable {
  static let kind = "dispatcher"

  /// The bundle's target.
  public let target: String

  /// What runs it.
  public let variant: EngineVariant

  /// A subject.
  public init(target: String, variant: EngineVariant) {
    self.target = target
    self.variant = variant
  }

  /// Its name in the run's lines and events: `dispatcher coreml (Neural Engine)`.
  public var key: String { "\(Self.kind) \(target)" + (variant.label.isEmpty ? "" : " (\(variant.label))") }

  /// Every target of a bundle that takes one image at a time, in every way in which the device runs it.
  public static func all(of bundle: ModelBundle, on device: DeviceDescription) -> [OwnSubject] {
    bundle.manifest.targets.filter { $0.batch == 1 }.flatMap { target in
      device.variants.filter { $0.format == target.format }.map { OwnSubject(target: target.name, variant: $0) }
    }
  }
}
