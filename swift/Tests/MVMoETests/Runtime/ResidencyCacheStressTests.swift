import Testing

@testable import MVMoE

/// Many tasks ask, trim, set limits and cancel each other by chance; the seeds are fixed, their interleaving is not.
@Suite struct ResidencyCacheStressTests {
  private final class Thing: Sendable {
    private let alive: Guarded<Int>

    init(_ alive: Guarded<Int>) {
      self.alive = alive
      alive.withLock { $0 += 1 }
    }

    deinit { alive.withLock { $0 -= 1 } }
  }

  private static let items = (0..<12).map { ResidencyItem(name: "g\($0)", group: $0 % 3, bytes: 1 + $0 % 4) }

  private let alive = Guarded(0)
  private let loading = Guarded<Set<Int>>([])
  private let faults = Guarded<[String]>([])

  private func cache() -> ResidencyCache<Thing> {
    let (alive, loading, faults) = (alive, loading, faults)
    return ResidencyCache(Self.items) { place in
      if !loading.withLock({ $0.insert(place).inserted }) {
        faults.withLock { $0.append("it is loaded twice at once") }
      }
      defer { loading.withLock { _ = $0.remove(place) } }
      switch Int.random(in: 0..<16) {
      case 0: throw MVMoEError(.engineLoadFailed, "told to fail")
      case 1: throw MVMoEError(.bundleReplaced, "told to be replaced")
      default: await Task.yield()
      }
      return Thing(alive)
    }
  }

  @Test(.timeLimit(.minutes(5))) func invariantsHold() async {
    let cache = cache()
    await withTaskGroup(of: Void.self) { group in
      for seed in 0..<6 {
        group.addTask { await act(on: cache, seed: UInt64(seed)) }
      }
    }
    #expect(faults.withLock { $0 } == [])
    await cache.limit(ResidencyLimits(perGroup: 2, bytes: 6))
    let resident = await cache.resident.map { Self.items[$0] }
    #expect(Dictionary(grouping: resident, by: \.group).values.allSatisfy { $0.count <= 2 })
    #expect(resident.map(\.bytes).reduce(0, +) <= 6)
    #expect(alive.withLock { $0 } == resident.count)
    await cache.clear()
    #expect(alive.withLock { $0 } == 0)
  }

  private func act(on cache: ResidencyCache<Thing>, seed: UInt64) async {
    var random = SeededRandom(seed: seed)
    for _ in 0..<1000 {
      switch Int.random(in: 0..<200, using: &random) {
      case 0: await cache.trim()
      case 1: await cache.limit(limits(&random))
      case 2, 3: await cancelled(cache, Int.random(in: Self.items.indices, using: &random))
      default: await use(cache, Int.random(in: Self.items.indices, using: &random))
      }
    }
  }

  private func limits(_ random: inout SeededRandom) -> ResidencyLimits {
    ResidencyLimits(
      perGroup: Int.random(in: 1...3, using: &random), bytes: Int.random(in: 4..<12, using: &random),
      pinned: Set(Self.items.indices.filter { _ in Int.random(in: 0..<8, using: &random) == 0 }))
  }

  private func use(_ cache: ResidencyCache<Thing>, _ place: Int) async {
    do {
      let thing = try await cache.acquire(place)
      await Task.yield()
      withExtendedLifetime(thing) {}
    } catch is MVMoEError {
    } catch {
      faults.withLock { $0.append("\(error)") }
    }
  }

  private func cancelled(_ cache: ResidencyCache<Thing>, _ place: Int) async {
    let task = Task { _ = try await cache.acquire(place) }
    await Task.yield()
    task.cancel()
    do {
      try await task.value
    } catch is MVMoEError {
    } catch is CancellationError {
    } catch {
      faults.withLock { $0.append("\(error)") }
    }
  }
}
