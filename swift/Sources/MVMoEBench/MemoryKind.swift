/// What ``Machine/held(bundle:)`` counts; the raw value is its name in results.
public enum MemoryKind: String, Sendable {
  /// Anonymous memory and the bundle's own pages.
  case own

  /// The resident set.
  case rss = "RSS"

  /// What an Apple system counts for a process: `phys_footprint`.
  case footprint

  /// The proportional set size.
  case pss
}
