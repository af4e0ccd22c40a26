/// What an output's numbers mean (`docs/outputs.md`): its shape, what it decides, and how an app reads it.
///
/// One type a kind, found by its name in a manifest (``OutputKinds/find(_:)``). Shapes are those of one image. What has no
/// default has to be written; the rest suits a kind that decides nothing and has no classes.
package protocol OutputKind: Sendable {
  var name: String { get }

  /// The shape that it needs, in words: `[classes]`.
  var form: String { get }

  /// Whether the class of an image is the place of its highest value.
  var classifies: Bool { get }

  /// What its agreement is called (`top-1 agreement`); nil if it decides nothing.
  var measure: String? { get }

  /// The parts of its values, each compared with its own largest value.
  var parts: [String] { get }

  /// Which of ``parts`` has the numbers whose error may turn a decision.
  var decidingPart: Int { get }

  /// Whether an output of this kind can have the shape; all sizes are at least 1.
  func fits(_ shape: [Int]) -> Bool

  /// How many labels an output of this shape has; nil if its numbers are not of classes.
  func classes(_ shape: [Int]) -> Int?

  /// Which of ``parts`` the value at a place belongs to.
  func part(of place: Int, shape: [Int]) -> Int

  /// How far what one image's values decide is the same, from 0 to 1; 0 where a value of either side is not finite.
  ///
  /// What the reference `wanted` decides by a margin up to `limit` is a near-tie, which rounding may turn, and is left out.
  /// Nil where the image decides nothing else, or the kind nothing at all.
  func agreement(given: [Float], wanted: [Float], shape: [Int], limit: Double) -> Double?

  /// The agreement of all images that are counted as one number: the mean; 1 where none is.
  func summary(_ agreements: [Double]) -> Double

  /// The least ``summary(_:)`` that a target with these bounds may have; nil if the kind decides nothing.
  func leastAgreement(_ bounds: Bounds) -> Double?

  /// One image's output as an app reads it; `transform` is nil where the input did not come from an image.
  func output(spec: OutputSpec, shape: [Int], values: [Float], transform: InputTransform?) -> any Output
}

extension OutputKind {
  /// A limit below every margin: nothing is a near-tie.
  static var allCount: Double { -1 }

  var classifies: Bool { false }

  var measure: String? { nil }

  var parts: [String] { ["values"] }

  var decidingPart: Int { 0 }

  func classes(_ shape: [Int]) -> Int? { nil }

  func part(of place: Int, shape: [Int]) -> Int { 0 }

  func agreement(given: [Float], wanted: [Float], shape: [Int], limit: Double) -> Double? { nil }

  func summary(_ agreements: [Double]) -> Double {
    agreements.isEmpty ? 1 : agreements.reduce(0, +) / Double(agreements.count)
  }

  func leastAgreement(_ bounds: Bounds) -> Double? { nil }
}
