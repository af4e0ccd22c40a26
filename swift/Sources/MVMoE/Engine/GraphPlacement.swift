/// Where an engine runs the operators of a graph on this device, as the engine itself says.
///
/// What an accelerator has compiled into one piece counts as one operator: `["CoreML": 3, "CPU": 41]` are three pieces, and
/// 41 operators that were left to the CPU.
public struct GraphPlacement: Sendable, Equatable {
  /// Operators by who runs them.
  public let byUnit: [String: Int]

  /// Types of the operators that do not run where the runner was told to run them, with their number.
  public let outside: [String: Int]

  /// Who does which share of the work, as the engine estimates it; the shares add up to 1. Nil where it does not say.
  public let shares: [String: Double]?

  /// A placement, for those who write an ``Engine``.
  public init(byUnit: [String: Int], outside: [String: Int], shares: [String: Double]? = nil) {
    self.byUnit = byUnit
    self.outside = outside
    self.shares = shares
  }
}
