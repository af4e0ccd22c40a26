/// What a detector has found, in rows `[N, 4 + C]`: left, top, right, bottom in pixels of the input, then C scores.
public struct BoxesOutput: Output, CustomStringConvertible {
  public let spec: OutputSpec
  public let shape: [Int]
  public let values: [Float]
  let transform: InputTransform?

  /// The boxes with a score of at least 0.25, after non-maximum suppression within each class, the highest score first
  /// (`docs/outputs.md`, *boxes*).
  public func detections() -> [Detection] {
    DetectorRows(values, shape: shape).found().map {
      Detection(
        index: $0.index, label: label($0.index), score: $0.score, box: transform?.toImage($0.box) ?? $0.box, row: $0.row
      )
    }
  }
}
