/// Why an app cannot run a target in some way.
public enum Missing: Sendable, Hashable {
  /// The app was built without the engine, or the engine without that part of it.
  case notBuilt

  /// This device lacks something that the way is named after: `Neural Engine`.
  case notOnDevice(String)

  /// The target is for a later release of iOS.
  case systemTooOld(needs: Int)

  /// The app knows no engine that runs the target's format.
  case noEngine

  /// The target takes several images at a time, and the app measures one.
  case severalImages
}
