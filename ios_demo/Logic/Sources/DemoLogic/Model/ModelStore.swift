import Foundation
import MVMoE
import Observation

/// Opens the app's own bundle, or one that the user picks, and replaces the one before.
///
/// A bundle that is refused changes nothing: what was open stays open.
///
/// ```
///             open, openPicked, use                 opened and checked
///   nothing ------------------------> opening -----------------------------> model
///                                     |  ^  |
///        background, with a GPU       |  |  | refused: error, and the model before
///                                     v  | on the screen again
///                                    waiting
/// ```
@Observable @MainActor
public final class ModelStore {
  /// What is answered with; nil before the first bundle is open.
  public private(set) var model: OpenModel?

  /// Whether a bundle is copied, checked and opened, or will be when the app is on the screen again.
  public private(set) var isOpening = false

  /// Why the last bundle was refused, in a sentence; ``model`` is then still the one before.
  public private(set) var error: String?

  /// Why opening does not go on now, in a sentence.
  public private(set) var waiting: String?

  /// What the next bundle is opened with; it is ``OpenModel/engine`` unless that is being changed.
  public private(set) var engine: EngineChoice

  /// What is around the app.
  public private(set) var conditions: Conditions

  /// What the user can choose of.
  public let engines: EngineChoices

  @ObservationIgnored private let own: URL?
  @ObservationIgnored private let installer: BundleInstaller
  @ObservationIgnored private let file: ChoiceFile
  @ObservationIgnored private let access: FolderAccess
  @ObservationIgnored private let words: Words
  @ObservationIgnored private var remembered: RememberedChoice
  @ObservationIgnored private var request: Request?
  @ObservationIgnored private var opening: Task<Void, Never>?

  /// Whether the app was in the background since the opening began.
  @ObservationIgnored private var wasInBackground = false
  @ObservationIgnored private var followers: [@MainActor () -> Void] = []

  /// Where a bundle comes from.
  private enum Request {
    case own
    case picked(URL)
    case installed(URL)
  }

  /// - Parameters:
  ///   - own: the folder of the bundle that the app was built with; nil where it was built without one.
  ///   - directory: where bundles are installed: a folder of the app's own in Application Support.
  ///   - access: how a folder is read that the user has picked.
  public convenience init(
    engines: EngineChoices, own: URL?, directory: URL, surroundings: any Surroundings,
    access: @escaping FolderAccess = { folder, read in try read(folder) }, words: Words = Words()
  ) {
    self.init(
      engines: engines, own: own, installer: BundleInstaller(directory: directory), surroundings: surroundings,
      access: access, words: words)
  }

  init(
    engines: EngineChoices, own: URL?, installer: BundleInstaller, surroundings: any Surroundings,
    access: @escaping FolderAccess = { folder, read in try read(folder) }, words: Words = Words()
  ) {
    self.engines = engines
    self.own = own
    self.installer = installer
    self.access = access
    self.words = words
    file = ChoiceFile(directory: installer.directory)
    remembered = file.choice
    engine = engines.choice(remembered.engine)
    conditions = surroundings.conditions
    surroundings.follow { [weak self] in self?.take($0) }
  }

  // MARK: What the user does

  /// Opens what was open when the app ended, or else its own bundle. Where it ended while it opened that, it only says
  /// so.
  public func start() {
    if let failed = remembered.opening {
      error = AppPhrase.endedWhileOpening.with(failed.bundle, failed.engine)
      return
    }
    open(file.picked.map(Request.installed) ?? .own)
  }

  /// Opens the bundle that the app was built with.
  public func openOwn() { open(.own) }

  /// Copies the bundle in a folder that the user has picked, and opens it.
  public func openPicked(_ folder: URL) { open(.picked(folder)) }

  /// Opens what is open, or is being opened, with another engine.
  public func use(_ choice: EngineChoice) {
    guard choice.id != engine.id || error != nil else { return }
    engine = choice
    open(isOpening ? request ?? .own : model.map { .installed($0.folder) } ?? request ?? .own)
  }

  /// Whether engines can compute now: in the background iOS refuses the GPU.
  var canCompute: Bool { !(conditions.isInBackground && (model?.engine ?? engine).usesGPU) }

  /// Is called when there is another ``model``, and when the ``conditions`` are others.
  func follow(_ follower: @escaping @MainActor () -> Void) { followers.append(follower) }

  /// Closes what is open; nothing is opened after it.
  func close() async {
    opening?.cancel()
    await opening?.value
    await model?.close()
  }

  // MARK: Opening

  private func open(_ request: Request) {
    let earlier = opening
    earlier?.cancel()
    self.request = request
    isOpening = true
    error = nil
    if conditions.isInBackground && engine.usesGPU { return wait() }
    waiting = nil
    wasInBackground = conditions.isInBackground
    mark(request)
    opening = Task { [engine] in
      // A bundle that the user no longer waits for.
      await earlier?.value
      await attempt(request, engine)
    }
  }

  private func attempt(_ request: Request, _ engine: EngineChoice) async {
    do {
      let opened = try await opened(request, engine)
      let next = await OpenModel(opened, engine, words: words)
      if Task.isCancelled {
        await next.close()
      } else {
        await replace(next)
      }
    } catch  where Task.isCancelled || error is CancellationError {
      // Another bundle is opened, or the app has left the screen: whoever cancelled it says so.
    } catch  where wasInBackground && isEngineFailure(error) {
      // No fault of the bundle: an engine may do little there.
      if conditions.isInBackground { wait() } else { open(request) }
    } catch {
      refuse(error)
    }
  }

  private func opened(_ request: Request, _ engine: EngineChoice) async throws -> OpenedBundle {
    let opened = try await ModelOpener(engine: engine).open(try await folder(request))
    if !Task.isCancelled { return opened }
    await opened.close()
    throw CancellationError()
  }

  private func folder(_ request: Request) async throws -> URL {
    switch request {
    case .installed(let folder): return folder
    case .picked(let folder):
      let place = file.freePlace(besides: model?.folder)
      let installed = try await installer.install(folder, place: place, access: access)
      // Where it has to be opened again, the system may have closed the door to what was picked.
      if !Task.isCancelled { self.request = .installed(installed) }
      return installed
    case .own:
      guard let own else { throw MVMoEError(.bundleMissing, AppPhrase.noOwnBundle.text) }
      return try await installer.install(own, place: own.lastPathComponent) { try $1($0) }
    }
  }

  private func replace(_ next: OpenModel) async {
    let last = model
    model = next
    isOpening = false
    remembered = RememberedChoice(picked: file.path(of: next.folder), engine: next.engine.id, opening: nil)
    file.remember(remembered)
    tell()
    await last?.close()
  }

  private func refuse(_ failure: any Error) {
    isOpening = false
    error = sentence(of: failure)
    if let model { engine = model.engine }
    remembered.opening = nil
    file.remember(remembered)
  }

  /// Until the app is on the screen again.
  private func wait() {
    waiting = AppPhrase.backgroundOpening.text
    remembered.opening = nil
    file.remember(remembered)
  }

  /// Remembers what is being opened: some engines have ended a process.
  private func mark(_ request: Request) {
    let bundle =
      switch request {
      case .own: own?.lastPathComponent ?? AppPhrase.bundleOwn.text
      case .picked(let folder): folder.lastPathComponent
      case .installed(let folder): file.path(of: folder) ?? folder.deletingLastPathComponent().lastPathComponent
      }
    remembered.opening = RememberedChoice.Opening(bundle: bundle, engine: engine.name)
    file.remember(remembered)
  }

  // MARK: Surroundings

  private func take(_ event: SurroundingsEvent) {
    switch event {
    case .memoryWarning: trim()
    case .changed(let now): change(to: now)
    }
  }

  private func change(to now: Conditions) {
    let before = conditions
    conditions = now
    if now.isInBackground && !before.isInBackground { leaveScreen() }
    if !now.isInBackground && before.isInBackground { returnToScreen() }
    tell()
  }

  private func leaveScreen() {
    wasInBackground = true
    trim()
    guard isOpening else { return }
    if engine.usesGPU {
      opening?.cancel()
      wait()
    } else {
      // The system may end the app there, which says nothing of the engine.
      remembered.opening = nil
      file.remember(remembered)
    }
  }

  private func returnToScreen() {
    guard isOpening, let request else { return }
    if waiting != nil { open(request) } else { mark(request) }
  }

  private func trim() {
    guard let model else { return }
    Task { await model.trim() }
  }

  private func tell() {
    for follower in followers { follower() }
  }
}
