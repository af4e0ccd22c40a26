import Foundation
import MVMoE

/// One job of one repeat, as `mvmoe bench` orders it (`docs/orders.schema.json`).
public struct MeasurementOrder: Sendable {
  let job: String
  let kind: String
  let `repeat`: Int
  let preset: Preset
  let images: String
  let names: [String]
  let labels: [String?]

  /// By the key of a subject, a safetensors file of what it should answer.
  let reference: [String: String]
  let subjects: [SubjectOrder]
  let status: String?

  /// When the planner has started the process that follows it, by the planner's monotonic clock in nanoseconds; 0 for
  /// unknown.
  public let started: Int

  /// Reads an order of UTF-8, of at most 32 MiB.
  ///
  /// - Throws: `MVMoEError` for anything but an order of this version (`input.invalid`); the message names the field.
  public static func parse(_ json: some Sequence<UInt8>) throws -> MeasurementOrder {
    do {
      return try readOrder(Array(json))
    } catch let error as MVMoEError {
      throw MVMoEError(
        .inputInvalid,
        "what was given is no order of this version of mvmoe bench: \(error.message); use one version on both sides",
        fields: error.fields)
    }
  }
}
