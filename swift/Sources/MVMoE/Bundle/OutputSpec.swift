/// One of the model's outputs.
public struct OutputSpec: Sendable {
  /// What an application asks for.
  public let name: String

  /// What its numbers mean: `logits`, `boxes`, ... (`docs/outputs.md`).
  public let kind: String

  /// Those that it may be, in the order of the stages that give them: for an image it is the last one whose
  /// stage the image has run.
  public let tensors: [String]

  /// Names of the classes; nil where they have none.
  public let labels: [String]?
}
