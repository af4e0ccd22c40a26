/// What is around the app, as the app hears it from the system and tests say it.
@MainActor
public protocol Surroundings: AnyObject {
  /// As it is now.
  var conditions: Conditions { get }

  /// Tells of every change from now on.
  func follow(_ follower: @escaping @MainActor (SurroundingsEvent) -> Void)
}

/// What happens around the app.
public enum SurroundingsEvent: Sendable {
  /// Something is no longer as it was.
  case changed(Conditions)

  /// The system asks for memory.
  case memoryWarning
}
