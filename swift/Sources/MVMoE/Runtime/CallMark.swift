/// Marks the task of a call, and the tasks that it makes, so that closing from inside of a call does not wait for that call.
final class CallMark: Sendable {
  /// The innermost call of this task; nil outside of every call.
  @TaskLocal static var current: CallMark?

  /// The call, of another dispatcher too, inside of which this one began.
  private let outer: CallMark?

  init(inside outer: CallMark?) { self.outer = outer }

  /// Whether a call is this one, or one inside of which it began.
  func isInside(_ call: CallMark) -> Bool {
    var mark: CallMark? = self
    while let each = mark, each !== call { mark = each.outer }
    return mark != nil
  }
}
