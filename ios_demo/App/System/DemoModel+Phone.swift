import DemoLogic
import Foundation

extension DemoModel {
  /// The app's model over what this phone has: Core ML, its camera, its storage.
  static func ofThisPhone() -> DemoModel {
    DemoModel(
      engines: .coreML, own: Bundle.main.url(forResource: "Models/digits", withExtension: "mvmoe"),
      directory: URL.applicationSupportDirectory.appending(path: "Bundles"), surroundings: PhoneSurroundings(),
      camera: PhoneCamera(), benchEngines: .coreML, results: URL.documentsDirectory.appending(path: "results"),
      keepScreenOn: AppStart.keepScreenOn, access: { try $0.whileAccessed($1) })
  }
}

extension URL {
  /// Reads a folder that the user has picked, through the system's door to it.
  func whileAccessed(_ read: (URL) throws -> Void) throws {
    let isOpen = startAccessingSecurityScopedResource()
    defer { if isOpen { stopAccessingSecurityScopedResource() } }
    try read(self)
  }
}
