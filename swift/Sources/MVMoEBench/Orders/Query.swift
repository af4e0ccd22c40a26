/// One route for each routed stage.
typealias Routes = [[Int]]

/// One question: an image, and its route where that is known or imposed.
struct Query: Sendable, Hashable {
  let image: Int
  var routes: Routes?
  var forced = false
  var choices: [String: String] = [:]
}
