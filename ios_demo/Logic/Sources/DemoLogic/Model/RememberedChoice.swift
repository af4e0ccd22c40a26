import Foundation

/// What the user has chosen, until the next time that the app is started.
struct RememberedChoice: Codable, Equatable {
  /// The folder of the picked bundle, below that of all bundles, which an update of the app may move; nil for the app's
  /// own.
  var picked: String?

  /// The engine's name.
  var engine: String?

  /// What is being opened, and with what: where the app ends meanwhile, it is not opened again by itself.
  var opening: Opening?

  /// A bundle and an engine, for people.
  struct Opening: Codable, Equatable {
    var bundle: String
    var engine: String
  }
}

/// The file with what is remembered.
struct ChoiceFile {
  /// Places for picked bundles: one is installed while the other is open, since it may turn out to be none that runs.
  static let places = ["picked-1", "picked-2"]

  let directory: URL

  private var file: URL { directory.appendingPathComponent("choice.json") }

  /// What was remembered last; nothing where the file cannot be read.
  var choice: RememberedChoice {
    guard let data = try? Data(contentsOf: file) else { return RememberedChoice() }
    return (try? JSONDecoder().decode(RememberedChoice.self, from: data)) ?? RememberedChoice()
  }

  /// Remembers; where the storage refuses, the app's own bundle is opened next time.
  func remember(_ choice: RememberedChoice) {
    try? FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try? JSONEncoder().encode(choice).write(to: file, options: .atomic)
  }

  /// The folder of the picked bundle; nil for the app's own, or where it is gone.
  var picked: URL? {
    guard let path = choice.picked, let place = path.split(separator: "/").first,
      Self.places.contains(String(place)), !path.split(separator: "/").contains("..")
    else { return nil }
    let folder = directory.appendingPathComponent(path, isDirectory: true)
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) && isFolder.boolValue
      ? folder : nil
  }

  /// The place where a bundle is installed next.
  func freePlace(besides open: URL?) -> String {
    let taken = open?.deletingLastPathComponent().lastPathComponent
    return Self.places.first { $0 != taken } ?? Self.places[0]
  }

  /// What is remembered of a folder: nil for one that is in none of the places.
  func path(of folder: URL) -> String? {
    let place = folder.deletingLastPathComponent().lastPathComponent
    return Self.places.contains(place) ? "\(place)/\(folder.lastPathComponent)" : nil
  }
}
