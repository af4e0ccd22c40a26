/// One answer, and where its time went.
struct Traced: Sendable {
  let outputs: OutputValues
  let routes: Routes

  /// By routed stage: whether a graph of the route was not in memory before.
  let cold: [Bool]
  let laps: LapsFields
}
