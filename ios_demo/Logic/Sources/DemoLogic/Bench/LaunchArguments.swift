/// What the app was started for: the words behind its name.
public enum LaunchArguments: Sendable, Hashable {
  /// The user has started it.
  case demo

  /// `mvmoe bench --device ios` has: `--bench NAME --order PATH`, or `--bench NAME --describe`.
  case order(OrderRequest)

  /// Somebody has started it for an order, and none can be made out.
  case unknownOrder

  /// Reads `CommandLine.arguments`; words that are for others, as Xcode gives some, are passed over.
  public init(_ arguments: [String]) {
    guard let name = Self.value("--bench", arguments) else {
      self = arguments.contains("--bench") ? .unknownOrder : .demo
      return
    }
    let order = arguments.contains("--describe") ? nil : Self.value("--order", arguments)
    guard OrderRequest.isName(name), order != nil || arguments.contains("--describe") else {
      self = .unknownOrder
      return
    }
    self = .order(OrderRequest(name: name, order: order))
  }

  private static func value(_ option: String, _ arguments: [String]) -> String? {
    guard let place = arguments.firstIndex(of: option), arguments.indices.contains(place + 1) else { return nil }
    return arguments[place + 1]
  }
}

/// What `mvmoe bench` asks this app for.
public struct OrderRequest: Sendable, Hashable {
  /// The folder that the answer goes to: `Documents/bench/NAME`.
  public let name: String

  /// The path of the order, below the app's folder; nil where the phone is only to be described.
  public let order: String?

  /// Whether a folder may be called so: it comes from a command line.
  static func isName(_ name: String) -> Bool { name.wholeMatch(of: #/[A-Za-z0-9][A-Za-z0-9._-]{0,63}/#) != nil }
}
