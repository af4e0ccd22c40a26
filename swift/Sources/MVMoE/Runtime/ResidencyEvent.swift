/// What a ``ResidencyCache`` tells of the item at a place.
enum ResidencyEvent: Sendable {
  /// A load has begun.
  case loads(Int)

  /// It has ended, and the item is in memory.
  case loaded(Int)

  /// It has ended without an item.
  case failed(Int, any Error)

  /// Items were evicted, and no load is the reason.
  case evicted
}
