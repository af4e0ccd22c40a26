import Foundation
import MVMoE

extension SubjectOrder {
  /// The first question.
  var firstQuery: Query { get throws { try required(queries.first, "questions") } }

  /// The subject's bundle and target. A link may be turned later; what graphs are loaded from may not.
  func openBundle() throws -> (ModelBundle, Target) {
    let name = try required(target, "a target")
    let bundle = try ModelBundle.open(
      URL(fileURLWithPath: root).resolvingSymlinksInPath(), manifestSHA256: manifestSHA256)
    return (bundle, try bundle.target(name))
  }

  private func required<Value>(_ value: Value?, _ what: String) throws -> Value {
    guard let value else {
      throw refused("the subject \(quoted(key)) was ordered without \(what); use one version on both sides")
    }
    return value
  }
}

extension Engines {
  /// The engine that an order asks for, of a target that is known by now.
  func engine(of order: SubjectOrder, _ target: Target) throws -> any Engine {
    try engine(format: target.format, threads: order.threads, options: order.engineOptions)
  }
}

extension Runner {
  /// What a runner says that it is.
  var choice: EngineChoice { EngineChoice(engine: engineName, provider: provider) }
}
