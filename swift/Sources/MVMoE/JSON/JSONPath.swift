/// Where a value is in a manifest: `$.stages[1].rule.k`; written out only when an error needs it.
package indirect enum JSONPath: Sendable {
  /// The place that has this name.
  case root(String)

  /// A member of what is at another place.
  case member(of: JSONPath, name: String)

  /// An item of what is at another place.
  case item(of: JSONPath, index: Int)

  package func member(_ name: String) -> JSONPath { .member(of: self, name: name) }

  package func item(_ index: Int) -> JSONPath { .item(of: self, index: index) }
}

extension JSONPath: ExpressibleByStringLiteral {
  package init(stringLiteral root: String) { self = .root(root) }
}

extension JSONPath: CustomStringConvertible {
  package var description: String {
    switch self {
    case .root(let name): name
    case .member(let above, let name): "\(above).\(shortened(name))"
    case .item(let above, let index): "\(above)[\(index)]"
    }
  }
}
