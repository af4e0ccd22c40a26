/// A subject to make ready, and what to ask it.
struct SubjectOrder: Sendable {
  let key: String
  let kind: String
  let root: String
  var manifestSHA256: String?
  var target: String?
  var outputKinds: [String: String] = [:]
  var classOutput: String?
  var engineOptions: [String: String] = [:]
  let threads: Int
  var budget: Int?
  let queries: [Query]
}
