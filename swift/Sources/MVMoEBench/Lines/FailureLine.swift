import MVMoE

/// A subject that failed; the others went on.
struct FailureLine: Line {
  let job: String
  let subject: String?
  let message: String

  /// Of `docs/errors.md`, where what failed has one.
  let code: ErrorCode?

  var plain: PlainData {
    [
      "kind": "failure", "job": .text(job), "subject": .optional(subject), "message": .text(message),
      "code": .optional(code?.rawValue),
    ]
  }
}
