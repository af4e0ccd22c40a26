import Foundation
import MVMoE

/// What ONNX Runtime's profile of one run says of nodes: which provider ran each.
///
/// The file has an event a line; those of nodes that ran are of the category `Node`, and end in `_kernel_time`. The C API of
/// this version has no other way to learn it.
enum Profile {
  private struct Event: Decodable {
    struct Arguments: Decodable {
      let operation: String?
      let provider: String?

      enum CodingKeys: String, CodingKey {
        case operation = "op_name"
        case provider
      }
    }

    let cat: String
    let name: String
    let args: Arguments?

    var isRun: Bool { cat == "Node" && name.hasSuffix("_kernel_time") }
  }

  /// Of a profile's text, where the provider called `preferred` was asked for.
  static func placement(_ text: String, preferred: String) -> GraphPlacement {
    var byUnit: [String: Int] = [:]
    var outside: [String: Int] = [:]
    for event in text.split(separator: "\n").lazy.compactMap(event) where event.isRun {
      guard let unit = (event.args?.provider).map(Providers.withoutSuffix) else { continue }
      byUnit[unit, default: 0] += 1
      guard unit.lowercased() != preferred.lowercased() else { continue }
      outside[event.args?.operation ?? "unknown", default: 0] += 1
    }
    return GraphPlacement(byUnit: byUnit, outside: outside)
  }

  /// The event of a line, which a comma may follow; nil where it has none.
  private static func event(_ line: Substring) -> Event? {
    guard let end = line.lastIndex(of: "}") else { return nil }
    return try? JSONDecoder().decode(Event.self, from: Data(line[...end].utf8))
  }
}
