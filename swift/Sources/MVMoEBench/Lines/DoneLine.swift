/// A job ran to its end.
struct DoneLine: Line {
  let job: String

  /// How the phone was then; nil for a machine without a battery.
  let conditions: DeviceConditions?

  var plain: PlainData {
    [
      "kind": "done", "job": .text(job), "load_average": nil, "conditions": .optional(conditions, \.plain),
    ]
  }
}
