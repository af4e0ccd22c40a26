/// One graph that came into memory: nanoseconds of its load, first and second run.
struct Loaded: Sendable {
  let graph: String
  let stage: Int
  let route: [Int]?
  let load: Int
  let first: Int
  let warm: Int
}
