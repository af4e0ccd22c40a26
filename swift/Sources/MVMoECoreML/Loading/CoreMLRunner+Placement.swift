import MVMoE

extension CoreMLRunner: ReportsPlacement {
  /// Where Core ML plans to run the operators of a graph: `neural_engine`, `gpu`, `cpu`. It loads nothing.
  ///
  /// Operators of which Core ML does not say where they run, constants above all, are not counted.
  ///
  /// - Throws: `MVMoEError` that names the graph; `engine.unsupported-platform` before iOS 17.4 and macOS 14.4, which have
  ///   no plans.
  func placement(_ graph: Graph) async throws -> GraphPlacement {
    guard let functions = try await plan(graph) else {
      throw MVMoEError(
        .engineUnsupportedPlatform,
        "Core ML's compute plan needs iOS 17.4 or macOS 14.4, and this is \(version.description); use a newer system")
    }
    // A package of one function may call it `main`, whatever the manifest calls it.
    let only = functions.count == 1 ? functions.values.first : nil
    guard let operations = functions[graph.entry ?? "main"] ?? only else {
      throw MVMoEError(
        .engineFailed,
        "Core ML's plan has no function \(graph.entry ?? "main") for graph \(graph.name); it has "
          + (functions.isEmpty ? "none" : functions.keys.sorted().joined(separator: ", ")),
        fields: ["graph": .text(graph.name)])
    }
    return GraphPlacement(operations, hoped: current.hoped)
  }
}

extension GraphPlacement {
  /// What a plan says, counted.
  init(_ operations: [PlannedOperation], hoped: String) {
    var (byUnit, outside): ([String: Int], [String: Int]) = ([:], [:])
    var costs: [String: Double] = [:]
    for operation in Self.flat(operations) {
      guard let unit = operation.unit else { continue }
      byUnit[unit, default: 0] += 1
      costs[unit, default: 0] += operation.cost ?? 0
      if unit != hoped { outside[operation.type, default: 0] += 1 }
    }
    let sum = costs.values.reduce(0, +)
    self.init(byUnit: byUnit, outside: outside, shares: sum > 0 ? costs.mapValues { $0 / sum } : nil)
  }

  private static func flat(_ operations: [PlannedOperation]) -> [PlannedOperation] {
    operations.flatMap { [$0] + flat($0.inner) }
  }
}

extension PlannedOperation {
  /// Its type without the version that Core ML writes before it.
  fileprivate var type: String { name.split(separator: ".").last.map(String.init) ?? name }
}
