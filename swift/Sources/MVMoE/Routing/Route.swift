/// The experts that one image uses at one routed stage, in ascending order.
public struct Route: Sendable, Hashable {
  /// The numbers of the experts.
  public let experts: [Int]

  /// A route of these experts, in the order that is given; a rule says whether it is one of its own.
  public init(_ experts: [Int]) { self.experts = experts }

  /// The first experts of a length: `[0, 1]`, which names the graph for all routes of that length.
  static func first(_ length: Int) -> Route { Route(Array(0..<length)) }
}

extension Route: ExpressibleByArrayLiteral {
  public init(arrayLiteral experts: Int...) { self.init(experts) }
}

extension Route: RandomAccessCollection {
  public var startIndex: Int { 0 }

  public var endIndex: Int { experts.count }

  public subscript(place: Int) -> Int { experts[place] }
}

extension Route: Comparable {
  /// Expert by expert, a route before those that go on from it.
  public static func < (one: Route, other: Route) -> Bool { one.experts.lexicographicallyPrecedes(other.experts) }
}

extension Route: CustomStringConvertible {
  public var description: String { experts.description }
}
