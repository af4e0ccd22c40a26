import MVMoE

/// Where an engine runs the operators of a graph, as it says itself.
struct PlacementLine: Line {
  let job: String
  let subject: String
  let graph: String
  let placement: GraphPlacement

  var plain: PlainData {
    [
      "kind": "placement", "job": .text(job), "subject": .text(subject), "graph": .text(graph),
      "by_unit": .named(placement.byUnit.mapValues(PlainData.integer)),
      "cost_by_unit": placement.shares.map { .named($0.mapValues(PlainData.number)) } ?? .null,
      "outside": .named(placement.outside.mapValues(PlainData.integer)),
    ]
  }
}
