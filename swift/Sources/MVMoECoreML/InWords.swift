import Foundation

/// A time for people: `60 s`, `0.25 s`.
func inWords(_ duration: Duration) -> String {
  let (seconds, attoseconds) = duration.components
  let hundredths = attoseconds / 10_000_000_000_000_000
  guard hundredths != 0 else { return "\(seconds) s" }
  let digits = String(abs(hundredths))
  return "\(seconds).\(digits.count == 1 ? "0" : "")\(digits) s"
}

/// A list for people: `a`, `a and b`, `a, b and c`.
func inWords(_ parts: [String]) -> String {
  guard let last = parts.last, parts.count > 1 else { return parts.first ?? "none" }
  return "\(parts.dropLast().joined(separator: ", ")) and \(last)"
}
