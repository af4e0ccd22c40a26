import Foundation
import MVMoEBench
import Observation

/// How far the app is with an order.
public enum OrderProgress: Sendable, Hashable {
  case none
  case running
  case done
  case failed
}

/// Follows the order that `mvmoe bench --device ios` has started the app with (`docs/ios.md`).
///
/// The app opens no bundle of its own meanwhile: nothing is to take time and memory from what is measured. All that goes
/// wrong is in the folder's `state.json`, which is what the program at the other end reads.
@Observable @MainActor
public final class OrderService {
  /// How far it is.
  public private(set) var progress = OrderProgress.none

  /// What was asked for.
  public let request: OrderRequest

  @ObservationIgnored private let home: URL
  @ObservationIgnored private let engines: BenchEngines
  @ObservationIgnored private let surroundings: any Surroundings
  @ObservationIgnored private let machine: PhoneMachine
  @ObservationIgnored private let keepScreenOn: @MainActor (Bool) -> Void
  @ObservationIgnored private let stays: Duration
  @ObservationIgnored private var screen: Task<Void, Never>?

  /// How long the screen stays on after an order: a locked phone takes no further one, and the computer waits ten
  /// minutes for one that is hot.
  private static let stays = Duration.seconds(900)

  /// - Parameters:
  ///   - home: the app's folder, which paths in orders are below of.
  ///   - keepScreenOn: is told when an order begins, and some minutes after it has ended.
  public convenience init(
    _ request: OrderRequest, home: URL = URL(fileURLWithPath: NSHomeDirectory()), engines: BenchEngines,
    surroundings: any Surroundings, keepScreenOn: @escaping @MainActor (Bool) -> Void
  ) {
    self.init(
      request, home: home, engines: engines, surroundings: surroundings, machine: ThisMachine(),
      keepScreenOn: keepScreenOn, stays: Self.stays)
  }

  init(
    _ request: OrderRequest, home: URL, engines: BenchEngines, surroundings: any Surroundings, machine: any Machine,
    keepScreenOn: @escaping @MainActor (Bool) -> Void = { _ in }, stays: Duration
  ) {
    self.request = request
    self.home = home
    self.engines = engines
    self.surroundings = surroundings
    self.machine = PhoneMachine(machine: machine, known: LastConditions(surroundings.conditions))
    self.keepScreenOn = keepScreenOn
    self.stays = stays
  }

  /// Does what was asked for, once.
  ///
  /// - Parameter begun: when the program's first line was, by `MonotonicClock`.
  public func follow(begun: Int = MonotonicClock.nanoseconds()) async {
    guard progress == .none else { return }
    progress = .running
    keepScreenOn(true)
    let described = DeviceDescription.phone(engines, surroundings.conditions)
    let (home, request, machine, engines) = (home, request, machine, engines)
    let isDone = await Task.detached(priority: .userInitiated) {
      await Self.follow(request, home, described, machine, engines, begun)
    }.value
    progress = isDone ? .done : .failed
    screen = Task { [stays, keepScreenOn] in
      try? await Task.sleep(for: stays)
      keepScreenOn(false)
    }
  }

  private nonisolated static func follow(
    _ request: OrderRequest, _ home: URL, _ described: DeviceDescription, _ machine: PhoneMachine,
    _ engines: BenchEngines, _ begun: Int
  ) async -> Bool {
    // Before the app's own housekeeping, which no other app has.
    let times = times(since: begun)
    // What the computer has brought is named by paths below it.
    guard FileManager.default.changeCurrentDirectoryPath(home.path) else { return false }
    OrderFiles(home: home).removeOld(request)
    let folder = OrderFolder(
      home.appendingPathComponent("\(OrderFiles.answers)/\(request.name)"), machine: machine, engines: engines)
    do {
      try folder.describe(described)
      guard let order = request.order else { return true }
      return try await folder.follow(URL(fileURLWithPath: order), times: times)
    } catch {
      // Its own folder takes nothing: there is nowhere to say why.
      return false
    }
  }

  /// How this process came to be, as far as its system says it; Core ML comes with the system, and takes no time of its own.
  private nonisolated static func times(since begun: Int) -> ProcessTimes {
    var times = ProcessTimes.now()
    times.code = MonotonicClock.nanoseconds() - begun
    times.start = max(0, times.start - times.code)
    return times
  }

  /// Removes what no order has used for a day; for an app that the user has started.
  public nonisolated static func removeOldFiles(home: URL = URL(fileURLWithPath: NSHomeDirectory())) {
    OrderFiles(home: home).removeOld(nil)
  }
}
