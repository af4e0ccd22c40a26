/// What a device is and can do, as `mvmoe bench` asks for it before it orders anything.
public struct DeviceDescription: Sendable {
  /// Which of the devices of `mvmoe bench` it is: `ios`, `swift`.
  public let device: String

  /// The language with its version, for people: `Swift 6.0.3`.
  public let swift: String

  /// The processor's instructions: `arm64`, `x86_64`.
  public let abi: String

  /// How it runs which format, the usual way of each format first.
  public let variants: [EngineVariant]

  /// Versions by name.
  public let packages: [String: String]

  /// What else it says of itself: `cpu`, `cores_logical`, `memory_bytes`, `os`, ...
  public let identity: KeyValuePairs<String, PlainData>

  /// A device.
  public init(
    device: String, swift: String = DeviceDescription.languageVersion, abi: String = DeviceDescription.processor,
    variants: [EngineVariant],
    packages: [String: String], identity: KeyValuePairs<String, PlainData> = [:]
  ) {
    self.device = device
    self.swift = swift
    self.abi = abi
    self.variants = variants
    self.packages = packages
    self.identity = identity
  }

  /// It as a JSON object: `swift`, `abi`, `engines` (by format the usual one), `variants` (by format all of them),
  /// `packages`, `subjects` (the kinds that orders may name) and `identity`.
  ///
  /// - Throws: `MVMoEError` for a number of ``identity`` that is not finite (`input.invalid`).
  public func json() throws -> String {
    let formats = variants.map(\.format).distinct()
    func byFormat(_ value: ([EngineVariant]) -> PlainData) -> PlainData {
      .object(formats.map { format in (format, value(variants.filter { $0.format == format })) })
    }
    let description: PlainData = [
      "swift": .text(swift),
      "abi": .text(abi),
      "engines": byFormat { $0[0].requested.plain },
      "variants": byFormat { .list($0.map(\.plain)) },
      "packages": .named(packages.mapValues(PlainData.text)),
      "subjects": .list(SubjectKinds.names.map(PlainData.text)),
      "identity": .object(identity.map { ($0, $1) }),
    ]
    return try description.json()
  }

  /// What a results file says of it.
  var plain: PlainData {
    .object(
      identity.map { ($0, $1) } + [
        ("swift", .text(swift)), ("abi", .text(abi)), ("packages", .named(packages.mapValues(PlainData.text))),
      ])
  }
}

extension DeviceDescription {
  /// The language with the version of the compiler that made this library, as far as the compiler lets a program know it.
  public static let languageVersion: String = {
    #if compiler(>=6.3)
      "Swift 6.3 or later"
    #elseif compiler(>=6.2)
      "Swift 6.2"
    #elseif compiler(>=6.1)
      "Swift 6.1"
    #else
      "Swift 6.0"
    #endif
  }()

  /// The processor's instructions for which this library was compiled.
  public static let processor: String = {
    #if arch(arm64)
      "arm64"
    #elseif arch(x86_64)
      "x86_64"
    #else
      "unknown"
    #endif
  }()
}
