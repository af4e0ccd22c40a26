import Foundation
import MVMoE
import MVMoEBench

/// One way in which this app runs targets of a format, or would.
public struct EngineWay: Sendable {
  /// Makes an engine whose graphs may use so many threads.
  public typealias Make = @Sendable (_ threads: Int) throws -> any Engine

  /// How results name it.
  public let variant: EngineVariant

  /// For people: `CPU and Neural Engine`.
  public let name: String

  /// Why it does not; nil where it does.
  public let missing: Missing?

  let make: Make

  /// A way.
  public init(_ variant: EngineVariant, name: String? = nil, missing: Missing? = nil, make: @escaping Make) {
    self.variant = variant
    self.name = name ?? variant.provider ?? variant.engine
    self.missing = missing
    self.make = make
  }

  /// Core ML on some compute units, with the names that `mvmoe bench` has for them on a Mac.
  ///
  /// - Parameter make: makes Core ML's engine for these units alone: what other units answer in their place would be
  ///   another's figure.
  public static func coreML(
    _ units: CoreMLUnits, on device: CoreMLDevice = CoreMLDevice(), make: @escaping Make
  ) -> EngineWay {
    let variant = EngineVariant(
      format: "coreml", engine: "Core ML, \(PhoneFacts.systemName)", provider: units.rawValue,
      options: ["compute_units": units.rawValue], label: units.label)
    return EngineWay(variant, name: units.name, missing: device.missing(units), make: make)
  }

  /// Why a target cannot be run so; nil where it can.
  func missing(for target: Target, release: Int) -> Missing? {
    if let missing { return missing }
    if case .text(let text)? = target.options["deployment_target"], text.hasPrefix("iOS"),
      let needed = Int(text.dropFirst(3)), needed > release
    {
      return .systemTooOld(needs: needed)
    }
    return target.batch > 1 ? .severalImages : nil
  }
}
