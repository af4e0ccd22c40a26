import MVMoE

extension Residency {
  /// The same limits, with one pin more or less.
  func with(_ changed: Pin, isPinned: Bool) -> Residency {
    var next = self
    next.pin.removeAll { $0 == changed }
    if isPinned { next.pin.append(changed) }
    return next
  }

  /// The same but for the most experts in memory; nil for no limit.
  func with(maxExperts most: Int?) -> Residency { Residency(maxExperts: most, maxBytes: maxBytes, pin: pin) }

  /// The same but for the most bytes in memory; nil for no limit.
  func with(maxBytes most: Int?) -> Residency { Residency(maxExperts: maxExperts, maxBytes: most, pin: pin) }
}
