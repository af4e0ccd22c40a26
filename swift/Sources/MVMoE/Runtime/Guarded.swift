import Foundation

/// A value that one thread at a time reads and writes.
///
/// It is `@unchecked Sendable` because the value is reached under the lock alone. (`Mutex` of the standard library needs
/// iOS 18.)
package final class Guarded<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value

  package init(_ value: Value) { self.value = value }

  /// Work with the value; it must neither block nor take the lock again.
  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}
