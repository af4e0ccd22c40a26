/// How far an image of a batch is on its way.
struct ImageWay {
  /// The route and gates of each routed stage that it reached.
  var selections: [Selection] = []

  /// The logits that its routes were selected by.
  var logits: [[Float]] = []

  /// The stage that it has run last.
  var last = 0

  /// Whether its route was one that finishes images.
  var isFinished = false

  /// Why it has no answer.
  var failure: MVMoEError?

  var goesOn: Bool { failure == nil && !isFinished }
}
