import Foundation

/// What a computer has brought for its orders, and the answers: devicectl removes no files, so the app does.
///
/// Bundles and images lie in `Documents/bench-files`, each under a name of its own and beside it a small file `.place`
/// that says which (docs/ios.md); answers in `Documents/bench`. What nobody has used for a day is removed. The day is
/// counted from when the app has seen it last in an order, or first at all: a copy may keep the times of the original.
struct OrderFiles {
  /// Where answers are, below the app's folder.
  static let answers = "Documents/bench"

  /// Where bundles, images and orders are, below the app's folder.
  static let brought = "Documents/bench-files"
  private static let day: TimeInterval = 86_400
  private static let place = ".place"

  /// The app's folder.
  let home: URL

  /// Removes what was not used for a day; what the request names is used now.
  func removeOld(_ request: OrderRequest?, now: Date = Date()) {
    let order = request?.order.flatMap { try? String(contentsOf: at($0), encoding: .utf8) }
    let used = (order ?? "") + " " + (request?.order ?? "")
    var next: [String: Date] = [:]
    let last = remembered
    for path in entries {
      let name = self.name(path)
      let isUsed = used.contains(name) || path == "\(Self.answers)/\(request?.name ?? "")"
      let seen = isUsed ? now : min(last[path] ?? now, now)
      if now.timeIntervalSince(seen) > Self.day {
        try? FileManager.default.removeItem(at: at(path))
      } else {
        next[path] = seen
      }
    }
    removeEmptyPlaces()
    remember(next)
  }

  private func at(_ path: String) -> URL { home.appendingPathComponent(path) }

  private func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

  /// All that may be removed but the small files, which go with what they name.
  private var entries: [String] {
    [Self.answers, Self.brought].flatMap { folder in
      names(folder).filter { !$0.hasSuffix(Self.place) }.map { "\(folder)/\($0)" }
    }
  }

  private func names(_ folder: String) -> [String] {
    let found = (try? FileManager.default.contentsOfDirectory(atPath: at(folder).path)) ?? []
    return found.filter { !$0.hasPrefix(".") }
  }

  /// One that names what is not there would let the computer believe that it is.
  private func removeEmptyPlaces() {
    for name in names(Self.brought) where name.hasSuffix(Self.place) {
      let file = at("\(Self.brought)/\(name)")
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      let target = text.trimmingCharacters(in: .whitespacesAndNewlines)
      if target.isEmpty || !FileManager.default.fileExists(atPath: at(target).path) {
        try? FileManager.default.removeItem(at: file)
      }
    }
  }

  // MARK: What is remembered

  private var memory: URL { at("\(Self.answers)/.last-used.json") }

  /// When each was used last.
  private var remembered: [String: Date] {
    guard let data = try? Data(contentsOf: memory) else { return [:] }
    return (try? JSONDecoder().decode([String: Date].self, from: data)) ?? [:]
  }

  private func remember(_ times: [String: Date]) {
    if times.isEmpty && !FileManager.default.fileExists(atPath: memory.path) { return }
    try? FileManager.default.createDirectory(at: at(Self.answers), withIntermediateDirectories: true)
    try? JSONEncoder().encode(times).write(to: memory, options: .atomic)
  }
}
