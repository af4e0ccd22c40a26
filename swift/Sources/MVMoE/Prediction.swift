/// The answer for an image that the dispatcher has prepared itself.
public struct Prediction: Sendable {
  /// What the model answers.
  public let answer: Answer

  /// Where the model's input lies in the upright image, so that boxes can be drawn on it.
  public let transform: InputTransform

  /// How long each part took.
  public let timings: Timings

  /// As ``Answer/outputs``.
  public var outputs: Outputs { answer.outputs }

  /// As ``Answer/routes``.
  public var routes: [Route] { answer.routes }

  /// As ``Answer/route``.
  public var route: Route? { answer.route }

  /// As ``Answer/gates``.
  public var gates: [[Float]] { answer.gates }

  /// As ``Answer/routerLogits``.
  public var routerLogits: [[Float]] { answer.routerLogits }

  /// As ``Answer/lastStage``.
  public var lastStage: String { answer.lastStage }

  /// As ``Answer/logits``.
  public var logits: [Float] { get throws { try answer.logits } }

  /// As ``Answer/labelIndex``.
  public var labelIndex: Int { get throws { try answer.labelIndex } }

  /// As ``Answer/label``.
  public var label: String { get throws { try answer.label } }

  /// As ``Answer/probability``.
  public var probability: Float { get throws { try answer.probability } }
}
