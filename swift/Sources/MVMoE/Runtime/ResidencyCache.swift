/// Which items are in memory: pinned ones, then the most recently used within limits (`docs/dispatcher.md`, *What is in
/// memory*).
///
/// It knows names, groups and bytes; what an item is and how it is loaded is the caller's. An item is told by its place in the
/// list that the cache is made with.
///
/// ```
///              a call asks          the load has ended
/// unloaded ------------------> loading ------------------> ready
///     ^                           |                          |
///     |                           | it has failed            | evicted
///     +---------------------------+--------------------------+
/// ```
///
/// Invariants:
/// - Calls that ask for the same cold item load it once; all get it, or the engine's error. Where a load ends in another way (a
///   cancellation, a replaced file), one of those who wait for it loads the item.
/// - The load is done by the task of the call that asked first, outside of the actor: a request waits only for the load of its
///   own item, and can be cancelled there. One for an item in memory waits for nothing.
/// - Room is made before a load, so that limits hold while loading too; items that are being loaded count. What could not be
///   evicted then is evicted once the last of several loads has ended.
/// - The cache and the users of an item own it. What is evicted is freed when the last of them lets it go, at once if there
///   is none: outside of the actor, which others may need meanwhile. So no method that evicts is called but through a
///   `nonisolated` one, which has the last reference.
actor ResidencyCache<Resident: AnyObject & Sendable> {
  private typealias Waiter = (number: Int, continuation: CheckedContinuation<Resident?, any Error>)

  /// The place of one item, whether it is in memory or not.
  private struct Place {
    let item: ResidencyItem

    /// What is in memory.
    var resident: Resident?

    /// When it was asked for last, by the cache's count of requests.
    var lastUse = 0

    var isLoading = false

    /// The calls that wait for the load that goes on, in the order in which they came.
    var waiters: [Waiter] = []

    /// Whether the last load failed.
    var hasFailed = false

    /// Whether it takes room.
    var counts: Bool { !item.stays && (resident != nil || isLoading) }

    var state: LoadState {
      if resident != nil { return .ready }
      if isLoading { return .loading }
      return hasFailed ? .failed : .unloaded
    }
  }

  /// What comes of a request.
  private enum Request {
    case found(Resident)

    /// The call that asked loads the item.
    case load

    /// A load has ended in a way that only its own call knows.
    case again
  }

  private var places: [Place]
  private let load: @Sendable (Int) async throws -> Resident
  private let tell: @Sendable (ResidencyEvent) -> Void
  private var limits = ResidencyLimits()
  private var requests = 0
  private var waiting = 0

  /// - Parameters:
  ///   - load: loads the item at a place; called outside of the actor.
  ///   - tell: called in the order of the events, inside of the actor; it must not block.
  init(
    _ items: [ResidencyItem], load: @escaping @Sendable (Int) async throws -> Resident,
    tell: @escaping @Sendable (ResidencyEvent) -> Void = { _ in }
  ) {
    places = items.map { Place(item: $0) }
    self.load = load
    self.tell = tell
  }

  /// The places of the loaded items that come and go, the least recently used first.
  var resident: [Int] {
    evictable(group: nil, kept: nil, pinnedToo: true).sorted { places[$0].lastUse < places[$1].lastUse }
  }

  /// The state of every item, in their order.
  var states: [LoadState] { places.map(\.state) }

  /// The places of the items that are pinned.
  var pinned: Set<Int> { limits.pinned }

  /// An item for one user more; it is loaded if it is cold.
  ///
  /// - Throws: what the load throws, and `CancellationError` if the task is cancelled when the item has to be loaded, or waits
  ///   for its load.
  nonisolated func acquire(_ place: Int) async throws -> Resident {
    if let resident = await use(place) { return resident }
    while true {
      switch try await request(place) {
      case .found(let resident): return resident
      case .load: return try await loadNow(place)
      case .again: continue
      }
    }
  }

  /// Whether an item is in memory, or would fit without evicting another one.
  func hasRoom(_ place: Int) -> Bool {
    if places[place].resident != nil { return true }
    let item = places[place].item
    let more = places[place].counts ? 0 : 1
    return fits(group: item.group, more: more) && fits(bytes: more * item.bytes)
  }

  /// Sets other limits and pins, and evicts what is over them; `accepted` is called when they hold.
  nonisolated func limit(_ limits: ResidencyLimits, accepted: @Sendable () -> Void = {}) async {
    _ = await set(limits, accepted)
  }

  /// Evicts all that is not pinned.
  nonisolated func trim() async { _ = await evictSpare() }

  /// Evicts everything, pinned or not, and what stays.
  nonisolated func clear() async { _ = await evictAll() }

  // MARK: Requests

  private func use(_ place: Int) -> Resident? {
    guard let resident = places[place].resident else { return nil }
    touch(place)
    return resident
  }

  private func touch(_ place: Int) {
    requests += 1
    places[place].lastUse = requests
  }

  private func request(_ place: Int) async throws -> Request {
    if let resident = use(place) { return .found(resident) }
    try Task.checkCancellation()
    if places[place].isLoading { return try await wait(for: place).map(Request.found) ?? .again }
    places[place].isLoading = true
    tell(.loads(place))
    return .load
  }

  /// What comes of another call's load; nil where this call has to try again.
  private func wait(for place: Int) async throws -> Resident? {
    waiting += 1
    let number = waiting
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        if Task.isCancelled {
          continuation.resume(throwing: CancellationError())
        } else {
          places[place].waiters.append((number, continuation))
        }
      }
    } onCancel: {
      Task { await self.leave(place, number) }
    }
  }

  /// A call waits no longer, unless the load has ended meanwhile: then it has the item.
  private func leave(_ place: Int, _ number: Int) {
    guard let index = places[place].waiters.firstIndex(where: { $0.number == number }) else { return }
    places[place].waiters.remove(at: index).continuation.resume(throwing: CancellationError())
  }

  // MARK: Loads

  /// Loads an item for the calling task and for those who wait.
  private nonisolated func loadNow(_ place: Int) async throws -> Resident {
    _ = await makeRoom(for: place)
    let resident: Resident
    do {
      resident = try await load(place)
    } catch {
      await fail(place, error)
      throw error
    }
    _ = await publish(place, resident)
    return resident
  }

  private func makeRoom(for place: Int) -> [Resident] { makeRoom(groups: [places[place].item.group], kept: place) }

  /// A load has ended without an item, which does not count any more.
  private func fail(_ place: Int, _ error: any Error) {
    let isEngineFailure = (error as? MVMoEError)?.isEngineFailure ?? false
    places[place].hasFailed = !(error is CancellationError)
    for waiter in endLoad(of: place) {
      if isEngineFailure {
        waiter.continuation.resume(throwing: error)
      } else {
        waiter.continuation.resume(returning: nil)
      }
    }
    tell(.failed(place, error))
  }

  /// A load has ended: the cache and those who wait have the item too. Gives what is over the limits.
  private func publish(_ place: Int, _ resident: Resident) -> [Resident] {
    places[place].resident = resident
    places[place].hasFailed = false
    touch(place)
    for waiter in endLoad(of: place) { waiter.continuation.resume(returning: resident) }
    tell(.loaded(place))
    return makeRoom(for: place)
  }

  private func endLoad(of place: Int) -> [Waiter] {
    defer { places[place].waiters = [] }
    places[place].isLoading = false
    return places[place].waiters
  }

  // MARK: Room

  private func set(_ limits: ResidencyLimits, _ accepted: @Sendable () -> Void) -> [Resident] {
    self.limits = limits
    accepted()
    let groups = Set(places.lazy.filter(\.counts).map(\.item.group)).sorted()
    return told(makeRoom(groups: groups, kept: nil))
  }

  private func evictSpare() -> [Resident] {
    told(evictable(group: nil, kept: nil).compactMap { evict($0) })
  }

  private func evictAll() -> [Resident] { told(places.indices.compactMap { evict($0) }) }

  private func told(_ victims: [Resident]) -> [Resident] {
    if !victims.isEmpty { tell(.evicted) }
    return victims
  }

  /// Evicts the least recently used items until the limits hold, or nothing but the item at `kept` is left to evict.
  private func makeRoom(groups: [Int], kept: Int?) -> [Resident] {
    var victims: [Resident] = []
    for group in groups {
      while !fits(group: group, more: 0), let victim = evictOne(group: group, kept: kept) { victims.append(victim) }
    }
    while !fits(bytes: 0), let victim = evictOne(group: nil, kept: kept) { victims.append(victim) }
    return victims
  }

  private func fits(group: Int, more: Int) -> Bool {
    guard let most = limits.perGroup else { return true }
    return places.lazy.filter { $0.counts && $0.item.group == group }.count + more <= most
  }

  private func fits(bytes more: Int) -> Bool {
    guard let most = limits.bytes else { return true }
    // A manifest may say of any graph that it is as large as a number can be.
    return places.lazy.filter(\.counts).reduce(more) { saturatedSum($0, $1.item.bytes) } <= most
  }

  private func evictOne(group: Int?, kept: Int?) -> Resident? {
    evictable(group: group, kept: kept).min { places[$0].lastUse < places[$1].lastUse }.flatMap { evict($0) }
  }

  /// The loaded items that may be evicted for the one at `kept`, of one group or of all.
  private func evictable(group: Int?, kept: Int?, pinnedToo: Bool = false) -> [Int] {
    places.indices.filter { index in
      let place = places[index]
      return place.resident != nil && !place.item.stays && index != kept && (group == nil || place.item.group == group)
        && (pinnedToo || !limits.pinned.contains(index))
    }
  }

  /// Takes an item from what requests find.
  private func evict(_ place: Int) -> Resident? {
    defer { places[place].resident = nil }
    return places[place].resident
  }
}

/// The sum of two numbers of which none is below zero; the largest number where there is none.
private func saturatedSum(_ one: Int, _ other: Int) -> Int {
  let (sum, overflows) = one.addingReportingOverflow(other)
  return overflows ? Int.max : sum
}
