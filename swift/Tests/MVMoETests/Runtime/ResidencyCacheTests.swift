import Testing

@testable import MVMoE

/// What is in memory, with objects for graphs.
@Suite struct ResidencyCacheTests {
  /// What a cache has in memory.
  final class Thing: Sendable {
    let name: String
    private let freed: Guarded<[String]>

    init(_ name: String, _ freed: Guarded<[String]>) {
      self.name = name
      self.freed = freed
    }

    deinit { freed.withLock { $0.append(name) } }
  }

  struct Hooks {
    var onLoad: @Sendable (String) async throws -> Void = { _ in }
  }

  private static let items = [
    ResidencyItem(name: "a", group: 1, bytes: 10), ResidencyItem(name: "b", group: 1, bytes: 10),
    ResidencyItem(name: "c", group: 2, bytes: 30), ResidencyItem(name: "d", group: 2, bytes: 10),
    ResidencyItem(name: "stem", group: 0, bytes: 99, stays: true),
  ]

  private let tasks = WatchedTasks()
  private let loads = Guarded<[String]>([])
  private let freed = Guarded<[String]>([])
  private let events = Guarded<[String]>([])
  private let hooks = Guarded(Hooks())
  private let cache: ResidencyCache<Thing>

  init() {
    let (loads, freed, hooks, events) = (loads, freed, hooks, events)
    cache = ResidencyCache(
      Self.items,
      load: { place in
        let name = Self.items[place].name
        loads.withLock { $0.append(name) }
        try await hooks.withLock { $0 }.onLoad(name)
        return Thing(name, freed)
      },
      tell: { event in
        events.withLock { events in
          switch event {
          case .loads(let place): events.append("loads \(Self.items[place].name)")
          case .loaded(let place): events.append("loaded \(Self.items[place].name)")
          case .failed(let place, _): events.append("failed \(Self.items[place].name)")
          case .evicted: events.append("evicted")
          }
        }
      })
  }

  private func place(_ name: String) -> Int { Self.items.firstIndex { $0.name == name } ?? 0 }

  private func use(_ names: String...) async throws {
    for name in names { _ = try await cache.acquire(place(name)) }
  }

  private var resident: [String] { get async { await cache.resident.map { Self.items[$0].name } } }

  private func limit(perGroup: Int? = nil, bytes: Int? = nil, pinned: [String] = []) async {
    await cache.limit(ResidencyLimits(perGroup: perGroup, bytes: bytes, pinned: Set(pinned.map(place))))
  }

  @Test func theLeastRecentlyUsedOfAFullGroupGoes() async throws {
    await limit(perGroup: 1)
    try await use("a", "c", "b")
    #expect(await resident == ["c", "b"])
    #expect(freed.withLock { $0 } == ["a"])
  }

  @Test func whatStaysTakesNoPartInLimitsAndIsNotEvicted() async throws {
    await limit(perGroup: 1, bytes: 10)
    try await use("stem", "a")
    await cache.trim()
    #expect(freed.withLock { $0 } == ["a"])
    #expect(await resident == [])
    await cache.clear()
    #expect(freed.withLock { $0 } == ["a", "stem"])
  }

  @Test func aNewLimitEvictsAtOnceGroupsFirstAndTheLeastRecentlyUsedFirst() async throws {
    try await use("c", "a", "b", "d")
    await limit(perGroup: 1, bytes: 20)
    #expect(await resident == ["b", "d"])
    await limit()
    try await use("a", "c")
    await limit(bytes: 40)
    #expect(await resident == ["a", "c"])
  }

  @Test func aPinThatComesLaterKeepsWhatIsThereAndOneThatIsTakenBackLetsItGo() async throws {
    try await use("a")
    await limit(perGroup: 1, pinned: ["a"])
    try await use("b")
    #expect(await resident == ["a", "b"])
    await limit(perGroup: 1)
    #expect(await resident == ["b"])
  }

  @Test func trimmingLeavesPinsAndWhatIsUsedUntilItsUserHasEnded() async throws {
    await limit(pinned: ["a"])
    try await use("a")
    var used: Thing? = try await cache.acquire(place("b"))
    try await use("c")
    await cache.trim()
    #expect(await resident == ["a"])
    #expect(freed.withLock { $0 } == ["c"])
    #expect(used != nil)
    used = nil
    #expect(freed.withLock { $0 } == ["c", "b"])
  }

  @Test func whatIsLargerThanNumbersDoesNotFit() async throws {
    let items = (0..<3).map { ResidencyItem(name: "\($0)", group: 0, bytes: .max) }
    let large = ResidencyCache(items) { Thing("\($0)", self.freed) }
    await large.limit(ResidencyLimits(bytes: .max))
    for place in 0..<3 { _ = try await large.acquire(place) }
    #expect(await large.resident == [0, 1, 2], "the sum is the largest number, which is the limit")
    await large.limit(ResidencyLimits(bytes: .max - 1))
    #expect(await large.resident == [])
  }

  @Test func statesFollowLoadsEvictionsAndFailures() async throws {
    #expect(await cache.states == Array(repeating: .unloaded, count: 5))
    let gate = Gate()
    hooks.withLock { $0.onLoad = { _ in await gate.pass() } }
    let loading = tasks { [cache] in _ = try await cache.acquire(0) }
    await gate.arrival()
    #expect(await cache.states.first == .loading)
    gate.open()
    try await loading.value
    #expect(await cache.states.first == .ready)
    await limit(bytes: 10)
    hooks.withLock { $0.onLoad = { _ in throw MVMoEError(.engineLoadFailed, "told to fail") } }
    await #expect(throws: MVMoEError.self) { try await use("b") }
    #expect(await cache.states.prefix(2) == [.unloaded, .failed])
    hooks.withLock { $0.onLoad = { _ in throw CancellationError() } }
    await #expect(throws: CancellationError.self) { try await use("b") }
    #expect(await cache.states.prefix(2) == [.unloaded, .unloaded])
    #expect(events.withLock { $0 } == ["loads a", "loaded a", "loads b", "failed b", "loads b", "failed b"])
    hooks.withLock { $0.onLoad = { _ in } }
    try await use("b")
    await cache.trim()
    await cache.trim()
    #expect(events.withLock { $0 }.suffix(3) == ["loads b", "loaded b", "evicted"])
  }

  @Test func nothingIsToldWhereSomethingInMemoryIsAskedFor() async throws {
    try await use("a")
    let before = events.withLock { $0 }
    try await use("a", "a", "a")
    #expect(events.withLock { $0 } == before)
  }

  @Test func oneLoadServesAllWhoAsk() async throws {
    let gate = Gate()
    hooks.withLock { $0.onLoad = { _ in await gate.pass() } }
    let calls = (0..<5).map { _ in tasks { [cache] in try await cache.acquire(0) } }
    await tasks.rest()
    gate.open()
    var found: Set<ObjectIdentifier> = []
    for call in calls { found.insert(ObjectIdentifier(try await call.value)) }
    #expect(found.count == 1)
    #expect(loads.withLock { $0 } == ["a"])
  }

  @Test func aCancelledWaiterLeavesAndTheLoadGoesOnForTheOthers() async throws {
    let gate = Gate()
    hooks.withLock { $0.onLoad = { _ in await gate.pass() } }
    let loading = tasks { [cache] in try await cache.acquire(0) }
    await gate.arrival()
    let impatient = tasks { [cache] in try await cache.acquire(0) }
    let patient = tasks { [cache] in try await cache.acquire(0) }
    await tasks.rest()
    impatient.cancel()
    await #expect(throws: CancellationError.self) { try await impatient.value }
    gate.open()
    #expect(try await loading.value === patient.value)
    #expect(loads.withLock { $0 } == ["a"])
  }

  @Test func anEnginesErrorIsSharedAndAnyOtherIsNot() async throws {
    for (code, loadsAfter) in [(ErrorCode.engineLoadFailed, 1), (.limitMemory, 1), (.bundleReplaced, 2)] {
      let (gate, isFirst) = (Gate(), Guarded(true))
      loads.withLock { $0 = [] }
      hooks.withLock { hooks in
        hooks.onLoad = { _ in
          let fails = isFirst.withLock { isFirst in
            defer { isFirst = false }
            return isFirst
          }
          guard fails else { return }
          await gate.pass()
          throw MVMoEError(code, "told to fail")
        }
      }
      let loading = tasks { [cache] in try await cache.acquire(0) }
      await gate.arrival()
      let waiting = tasks { [cache] in try await cache.acquire(0) }
      await tasks.rest()
      gate.open()
      await #expect(throws: MVMoEError.self) { try await loading.value }
      let error = await failure(of: { try await waiting.value })
      #expect((error == nil) == (loadsAfter == 2), "\(code)")
      #expect(loads.withLock { $0 }.count == loadsAfter, "\(code)")
      await cache.trim()
    }
  }

  @Test func aLoadThatEndsAlthoughItsTaskWasCancelledIsKept() async throws {
    let gate = Gate()
    hooks.withLock { $0.onLoad = { _ in await gate.pass() } }
    let loading = tasks { [cache] in _ = try await cache.acquire(0) }
    await gate.arrival()
    loading.cancel()
    gate.open()
    try await loading.value
    #expect(await resident == ["a"])
  }

  @Test func aCancelledTaskBeginsNoLoadAndUsesWhatIsInMemory() async throws {
    try await use("a")
    let gate = Gate()
    let task = tasks { [cache] in
      await gate.pass()
      _ = try await cache.acquire(0)
      _ = try await cache.acquire(1)
    }
    task.cancel()
    gate.open()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(loads.withLock { $0 } == ["a"])
  }

  @Test func whoWaitedHasTheItemThoughAnotherEvictsItBeforeHeWakes() async throws {
    await limit(perGroup: 1)
    let gate = Gate()
    hooks.withLock { $0.onLoad = { name in if name == "a" { await gate.pass() } } }
    let calls = (0..<2).map { _ in tasks { [cache] in try await cache.acquire(0) } }
    await tasks.rest()
    gate.open()
    var held: [Thing] = []
    for call in calls { held.append(try await call.value) }
    try await use("b")
    #expect(freed.withLock { $0 } == [])
    #expect(held.count == 2)
    #expect(loads.withLock { $0 } == ["a", "b"])
  }

  @Test func roomIsWhatIsLeftWithoutAnEviction() async throws {
    await limit(perGroup: 1, bytes: 30)
    #expect(await cache.hasRoom(place("c")))
    try await use("a")
    #expect(await cache.hasRoom(place("a")))
    #expect(await !cache.hasRoom(place("b")))
    #expect(await !cache.hasRoom(place("c")))
    #expect(await cache.hasRoom(place("d")))
  }
}
