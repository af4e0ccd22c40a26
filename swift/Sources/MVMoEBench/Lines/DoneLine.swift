/// A job ran to its end.
struct DoneLine: Line {
  let job: String

  var plain: PlainData { ["kind": "done", "job": .text(job), "load_average": nil] }
}
