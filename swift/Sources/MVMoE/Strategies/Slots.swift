/// The input of a joining graph that takes `output` of the expert in a slot of the route: `slot0_output`.
package func slotInput(_ slot: Int, output: String) -> String { "slot\(slot)_\(output)" }

/// The slot whose expert gives an input of a joining graph; nil for every other input.
///
/// A number that no `Int` holds is the largest: it is beyond every route.
func slotOf(_ name: String) -> Int? {
  let begin = "slot".utf8
  guard name.utf8.starts(with: begin) else { return nil }
  let rest = name.utf8.dropFirst(begin.count)
  let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  let output = rest.dropFirst(digits.count)
  guard !digits.isEmpty, output.first == UInt8(ascii: "_"), output.count > 1 else { return nil }
  return Int(Substring(digits)) ?? .max
}
