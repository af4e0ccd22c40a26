import Foundation
import MVMoE

/// Where a subject's engine runs the operators of the first graph of each stage; an engine that does not say has no lines.
struct PlacementOfGraphs: OneByOne {
  let isDecisive = false

  func measure(_ session: Session, _ subject: SubjectOrder) async throws {
    let (bundle, target) = try subject.openBundle()
    try bundle.verify(targets: [target.name])
    let engine = try session.surroundings.engines.engine(of: subject, target)
    let runner = try await engine.open(root: bundle.root, target: target)
    guard let reporting = runner as? any ReportsPlacement else { return }
    var seen: Set<Int> = []
    for graph in target.graphs where seen.insert(graph.stage).inserted {
      let placement = try await reporting.placement(graph)
      session.emit(PlacementLine(job: session.order.job, subject: subject.key, graph: graph.name, placement: placement))
    }
  }
}
