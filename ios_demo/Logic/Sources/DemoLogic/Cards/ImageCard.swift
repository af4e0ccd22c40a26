/// The image that is answered, and where it comes from.
public struct ImageCard: Sendable, Hashable {
  /// What the button does.
  public enum Action: Sendable, Hashable {
    case clear
    case pickPhoto
    case allowCamera
    case openSettings
  }

  /// What the button beside the image does.
  public let action: Action

  /// What is on it.
  public let actionText: String

  /// Whether there is a button.
  public let isActionShown: Bool

  /// Whether it can be pressed.
  public let isActionEnabled: Bool

  /// What is on the empty canvas; nil where something is drawn.
  public let hint: String?

  /// What is seen, said.
  public let spoken: String

  /// What the model is given of a drawing, each pixel to be shown as a square; nil where there is none.
  public let input: GreyImage?

  /// Says what ``input`` is; nil where there is none.
  public let inputText: String?

  /// Why there is no answer, in a sentence.
  public let error: String?
}

extension TryModel {
  /// The image, its button and what is wrong with it.
  public var image: ImageCard {
    let action = imageAction
    let input = source == .draw && !drawing.isEmpty ? drawnImage : nil
    return ImageCard(
      action: action, actionText: Self.text(action), isActionShown: source != .camera || error != nil,
      isActionEnabled: source != .draw || !drawing.isEmpty,
      hint: source == .draw && drawing.isEmpty ? TryPhrase.drawHint.text : nil, spoken: imageSpoken, input: input,
      inputText: input.map { TryPhrase.modelSees.with(words.count($0.width), words.count($0.height)) },
      error: error)
  }

  private var imageAction: ImageCard.Action {
    switch source {
    case .draw: .clear
    case .photo: .pickPhoto
    case .camera: isCameraRefused ? .openSettings : .allowCamera
    }
  }

  private static func text(_ action: ImageCard.Action) -> String {
    switch action {
    case .clear: TryPhrase.clear.text
    case .pickPhoto: TryPhrase.photoPick.text
    case .allowCamera, .openSettings: TryPhrase.cameraAllow.text
    }
  }

  private var imageSpoken: String {
    switch source {
    case .draw: canvasSpoken
    case .photo: photo == nil ? TryPhrase.photoNone.text : TryPhrase.photoDescription.text
    case .camera: TryPhrase.cameraDescription.text
    }
  }

  private var canvasSpoken: String {
    let strokes = drawing.strokes.count
    if strokes == 0 { return TryPhrase.canvasEmpty.text }
    return (strokes == 1 ? TryPhrase.canvasDrawnOne : .canvasDrawnOther).with(words.count(strokes))
  }
}

extension ImageSource {
  /// For people.
  public var title: String {
    switch self {
    case .draw: TryPhrase.sourceDraw.text
    case .photo: TryPhrase.sourcePhoto.text
    case .camera: TryPhrase.sourceCamera.text
    }
  }
}
