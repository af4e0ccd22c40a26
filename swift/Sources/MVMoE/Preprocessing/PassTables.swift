/// The tables of the sizes that were seen last: a camera's frames have one size. May be used by several threads.
final class PassTables: Sendable {
  private struct Key: Equatable {
    let samples: Int
    let made: Int
    let window: Range<Int>
  }

  private static let most = 8

  /// Weights of a table that is not kept: 4 MB of them.
  private static let large = 1 << 20

  private let kernel: Kernel?
  /// The last used one is the last one.
  private let known = Guarded<[(key: Key, table: PassTable)]>([])

  init(interpolation: String) { kernel = Kernel(rawValue: interpolation) }

  /// That of a pass from `samples` to `made`, the ones in `window`.
  func table(samples: Int, made: Int, window: Range<Int>) -> PassTable {
    let key = Key(samples: samples, made: made, window: window)
    if let table = find(key) { return table }
    let table = PassTable.of(samples: samples, made: made, window: window, kernel: kernel)
    if table.weights.count <= Self.large { keep(table, as: key) }
    return table
  }

  private func find(_ key: Key) -> PassTable? {
    known.withLock { known in
      guard let place = known.firstIndex(where: { $0.key == key }) else { return nil }
      let found = known.remove(at: place)
      known.append(found)
      return found.table
    }
  }

  private func keep(_ table: PassTable, as key: Key) {
    known.withLock { known in
      known.append((key, table))
      if known.count > Self.most { known.removeFirst() }
    }
  }
}
