import Foundation

extension TryModel {
  /// What the model gives beside the class, a line each; boxes and masks are drawn over the picture too.
  public var outputLines: [String] {
    (explanation?.others ?? []).map { TryPhrase.outputLine.with($0.name, $0.kind, found(in: $0)) }
  }

  private func found(in output: OtherOutput) -> String {
    if output.found.isEmpty {
      return TryPhrase.outputShape.with(output.shape.map(String.init).joined(separator: " × "))
    }
    return output.found.map { TryPhrase.outputShare.with($0.label, words.percent($0.share)) }.joined(separator: ", ")
  }
}

extension MarkedBox {
  /// What is written beside it: `cat 93 %`.
  public var text: String {
    let score = (100 * score).formatted(.number.precision(.fractionLength(0)).grouping(.never))
    return "\(label) \(TryPhrase.percent.with(score))"
  }
}
