import Foundation

/// Scores `[classes]` before a softmax: the class with the highest is the answer.
public struct LogitsOutput: Output, CustomStringConvertible {
  public let spec: OutputSpec
  public let shape: [Int]
  public let values: [Float]

  /// The class with the highest logit, of equal ones the lowest.
  public var best: ClassProbability {
    let index = ClassScores(values: values, first: 0, step: 1, classes: values.count).best()
    return ClassProbability(index: index, label: label(index), probability: probabilities()[index])
  }

  /// The `count` best classes, best first; of equal ones the lowest. Fewer if there are fewer.
  public func top(_ count: Int = 5) -> [ClassProbability] {
    let shares = probabilities()
    let order = values.indices.sorted { values[$0] > values[$1] || (values[$0] == values[$1] && $0 < $1) }
    return order.prefix(max(count, 0)).map {
      ClassProbability(index: $0, label: label($0), probability: shares[$0])
    }
  }

  /// The softmax `[classes]` of the logits, in double precision.
  public func probabilities() -> [Double] {
    let top = Double(values.max() ?? 0)
    let powers = values.map { exp(Double($0) - top) }
    let total = powers.reduce(0, +)
    return powers.map { $0 / total }
  }
}
