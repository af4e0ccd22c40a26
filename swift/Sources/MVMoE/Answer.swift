import Foundation

/// What the model answers for one image.
///
/// ``routes``, ``gates`` and ``routerLogits`` have an entry for each routed stage that the image reached. What is said of a
/// class is of the first output that decides on one.
public struct Answer: Sendable {
  /// What the model gives.
  public let outputs: Outputs

  /// The experts that the image took.
  public let routes: [Route]

  /// The weight of each expert's output, in the order of its route.
  public let gates: [[Float]]

  /// The logits `[E]` by which each route was selected; empty for a stage without a router.
  public let routerLogits: [[Float]]

  /// The stage that ran last: an image that was finished early has not run the others.
  public let lastStage: String

  /// The place of the output that decides on the class; nil for a model that does not classify.
  private let classOutput: Int?

  init(
    outputs: Outputs, selections: [Selection], routerLogits: [[Float]], lastStage: String, classOutput: Int?
  ) {
    self.outputs = outputs
    routes = selections.map(\.route)
    gates = selections.map(\.gates)
    self.routerLogits = routerLogits
    self.lastStage = lastStage
    self.classOutput = classOutput
  }

  /// The experts of the first routed stage, which for one router is all; nil for a model without routers.
  public var route: Route? { routes.first }

  /// Class logits `[classes]`.
  ///
  /// - Throws: ``MVMoEError`` for a model that does not classify (`input.none-classifies`).
  public var logits: [Float] { get throws { try classes.values } }

  /// The class with the highest logit, the first of several; throws as ``logits`` does.
  public var labelIndex: Int { get throws { Self.highest(try logits) } }

  /// The name of that class, or its number where classes have no names; throws as ``logits`` does.
  public var label: String {
    get throws {
      let classes = try classes
      return classes.label(Self.highest(classes.values))
    }
  }

  /// Its share of the softmax; throws as ``logits`` does.
  public var probability: Float {
    get throws {
      let row = try logits
      guard !row.isEmpty else { return 0 }
      let highest = Double(row[Self.highest(row)])
      // The softmax of the highest logit alone, whose own exponential is 1.
      return Float(1 / row.reduce(0) { $0 + exp(Double($1) - highest) })
    }
  }

  private var classes: any Output {
    get throws {
      if let classOutput { return outputs[classOutput] }
      let names = outputs.names
      throw MVMoEError(
        .inputNoneClassifies,
        "the model does not classify; it gives \(names.joined(separator: ", ")): read them in outputs",
        fields: ["outputs": .list(names.map(ErrorValue.text))])
    }
  }

  private static func highest(_ row: [Float]) -> Int {
    var best = 0
    for index in row.indices where row[index] > row[best] { best = index }
    return best
  }
}
