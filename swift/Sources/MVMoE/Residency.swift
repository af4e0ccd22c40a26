/// Which experts a dispatcher keeps in memory: pinned ones, then the most recently used within limits.
///
/// `docs/dispatcher.md`, *What is in memory*, says it exactly. With the strategy `bind` limits have no effect, since the
/// system decides which weights are in memory (``Dispatcher/notes`` says so); a pin there asks it to read the weights of its
/// experts. Limits and pins are checked when a dispatcher gets them: a limit below 1 is refused (`input.invalid`).
public struct Residency: Sendable, Hashable {
  /// The most graphs of one stage in memory; nil for no limit.
  public var maxExperts: Int?

  /// The most bytes of weights of all graphs that come and go; nil for no limit.
  public var maxBytes: Int?

  /// What is not evicted once an image has needed it.
  public var pin: [Pin]

  /// These limits and pins.
  public init(maxExperts: Int? = nil, maxBytes: Int? = nil, pin: [Pin] = []) {
    self.maxExperts = maxExperts
    self.maxBytes = maxBytes
    self.pin = pin
  }

  /// Whether there is a limit at all.
  var isLimited: Bool { maxExperts != nil || maxBytes != nil }

  /// - Throws: ``MVMoEError`` for a limit below 1 (`input.invalid`).
  func requireLimits() throws {
    try Self.requireLimit("maxExperts", maxExperts)
    try Self.requireLimit("maxBytes", maxBytes)
  }

  private static func requireLimit(_ name: String, _ limit: Int?) throws {
    guard let limit, limit < 1 else { return }
    throw MVMoEError(
      .inputInvalid, "\(name) \(limit) was given; expected a whole number of at least 1, or nil for no limit")
  }
}
