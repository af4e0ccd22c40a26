/// Finds a key that an object has twice, in time proportional to the number of its keys.
struct SeenKeys {
  /// Up to this number of keys, comparing all is faster than a set.
  private static let few = 16

  private var keys: Set<ExactText> = []

  /// Whether the object does not have `key` yet; `members` are all that it has.
  mutating func isNew(_ key: String, after members: [(key: String, value: JSONValue)]) -> Bool {
    let key = ExactText(key)
    if members.count < SeenKeys.few { return !members.contains { ExactText($0.key) == key } }
    if keys.isEmpty { keys = Set(members.map { ExactText($0.key) }) }
    return keys.insert(key).inserted
  }
}
