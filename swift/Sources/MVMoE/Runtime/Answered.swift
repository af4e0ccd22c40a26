/// What an engine made of one golden image.
struct Answered: Sendable {
  /// By routed stage; fewer if the image was finished, or the logits of one were not finite.
  let routes: [Route]

  /// By routed stage, `[E]`, empty where there is no router; those of stages that the image did not reach mean nothing.
  let logits: [[Float]]

  /// By name, `[...]`.
  let outputs: [String: [Float]]
}
