/// What is not evicted once it is in memory (`docs/dispatcher.md`, *Pins*).
public struct Pin: Sendable, Hashable {
  let graph: String?
  let route: Route?

  /// The graph of that name in the manifest.
  public static func graph(_ name: String) -> Pin { Pin(graph: name, route: nil) }

  /// The graph of these experts in every stage that has one; with the strategy `experts` those of each of them.
  public static func route(_ experts: [Int]) -> Pin { Pin(graph: nil, route: Route(experts)) }

  /// The route of that expert alone.
  public static func expert(_ number: Int) -> Pin { route([number]) }
}

extension Pin: CustomStringConvertible {
  public var description: String { graph ?? route?.description ?? "" }
}
