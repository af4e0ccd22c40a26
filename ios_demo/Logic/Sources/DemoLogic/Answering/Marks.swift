import MVMoE

/// A box in pixels of the upright image, with what it is around.
public struct MarkedBox: Sendable, Hashable {
  /// Where.
  public let box: Box

  /// Of what class.
  public let label: String

  /// The number of the class.
  public let index: Int

  /// From 0 to 1.
  public let score: Double
}

/// A class for each place of a grid over the upright image.
public struct MarkedPlaces: Sendable, Hashable {
  /// The columns of the grid.
  public let width: Int

  /// The rows of the grid.
  public let height: Int

  /// `[height, width]`; nil where nothing is marked.
  public let classes: [Int?]
}

/// What is drawn over an image.
public struct Marks: Sendable, Hashable {
  /// What detectors have found.
  public let boxes: [MarkedBox]

  /// One for each mask.
  public let masks: [MarkedPlaces]
}

extension Marks {
  /// The most places along a mask's side: as fine as the eye wants them on a phone.
  private static let longest = 256

  init(_ prediction: Prediction) {
    boxes = prediction.outputs.compactMap { $0 as? BoxesOutput }.flatMap { output in
      output.detections().map { MarkedBox(box: $0.box, label: $0.label, index: $0.index, score: $0.score) }
    }
    masks = prediction.outputs.compactMap { $0 as? MaskOutput }.map { Self.places($0, prediction.transform) }
  }

  private static func places(_ mask: MaskOutput, _ image: InputTransform) -> MarkedPlaces {
    let fitted = FittedSize(width: image.imageWidth, height: image.imageHeight, longest: longest)
    // One logit for each place: its class 0 is what is not marked.
    let isForeground = mask.shape.first == 1
    let classes = fitted.places { x, y -> Int? in
      let found = mask.classAtPixel(x: x, y: y)
      return isForeground && found == 0 ? nil : found
    }
    return MarkedPlaces(width: fitted.width, height: fitted.height, classes: classes)
  }
}
