import MVMoEBench

extension DeviceDescription {
  /// This phone and what it can do, as measurements have it: what differs from one minute to the next included.
  static func phone(_ engines: BenchEngines, _ conditions: Conditions, _ facts: PhoneFacts = PhoneFacts())
    -> DeviceDescription
  {
    DeviceDescription(
      device: "ios", variants: engines.variants, packages: engines.packages,
      identity: [
        "cpu": .text(facts.hardware),
        "cores_logical": .integer(facts.cores),
        "memory_bytes": .integer(facts.memoryBytes),
        "memory_available_bytes": .optional(facts.availableBytes),
        "os": .text(facts.system),
        "model": .text(facts.hardware),
        "build": .optional(facts.build),
        "thermal_status": .text(conditions.heat.status.rawValue),
        "battery": .optional(conditions.battery),
        "low_power": .boolean(conditions.isLowPowerMode),
      ])
  }
}

extension Heat {
  /// In the words of results.
  var status: Thermal.Status {
    switch self {
    case .nominal: .none
    case .fair: .light
    case .serious: .severe
    case .critical: .critical
    }
  }

  /// The heat that results call so; nil for what iOS does not tell apart.
  init?(_ status: Thermal.Status) {
    guard let found = Heat.allCases.first(where: { $0.status == status }) else { return nil }
    self = found
  }
}
