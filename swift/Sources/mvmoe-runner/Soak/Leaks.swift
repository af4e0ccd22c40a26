#if os(Linux)
  /// Judges what a process held over a soak; the last look is after everything was closed.
  enum Leaks {
    /// How much more memory is no leak: malloc's arenas grow for a while.
    static let toleratedBytes = 16 << 20

    /// How much more of the heap may be in use: what is freed is not, so that it moves by little but the last answers' arrays.
    static let toleratedHeapBytes = 1 << 20

    /// What is held more than it should be; empty for no leak.
    static func of(_ looks: [Look]) -> [String] {
      let open = looks.dropLast()
      guard let closed = looks.last, let last = open.last else { return [] }
      return grown(open[(open.count - 1) / 2], last) + left(closed)
    }

    private static func grown(_ warm: Look, _ last: Look) -> [String] {
      let counts: [(what: String, tolerated: Int, count: KeyPath<Look, Int>)] = [
        ("sessions", 0, \.sessions),
        ("tensors", 0, \.tensors),
        ("mapped files", 0, \.mappedFiles),
        ("open files", 0, \.openFiles),
        ("threads", 0, \.threads),
        ("bytes of the heap", toleratedHeapBytes, \.heapBytes),
        ("bytes of anonymous memory", toleratedBytes, \.anonymousBytes),
      ]
      return counts.compactMap { what, tolerated, count in
        let (before, after) = (warm[keyPath: count], last[keyPath: count])
        guard after > before + tolerated else { return nil }
        return "\(what): \(before) after \(warm.answers) answers, \(after) after \(last.answers)"
      }
    }

    private static func left(_ closed: Look) -> [String] {
      [("sessions", closed.sessions), ("tensors", closed.tensors)].filter { $0.1 != 0 }.map {
        "\($0): \($1) after closing"
      }
    }
  }
#endif
