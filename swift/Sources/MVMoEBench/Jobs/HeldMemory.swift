import Foundation

/// What one subject holds: with nothing opened, with all images answered, with all closed.
struct HeldMemory: OneByOne {
  func measure(_ session: Session, _ subject: SubjectOrder) async throws {
    let machine = session.machine
    let root = URL(fileURLWithPath: subject.root)
    // The first look loads what later ones use again.
    _ = machine.held(bundle: root)
    let base = machine.held(bundle: root)
    var peak: Int?
    let loaded = try await session.withOpen(subject) { opened in
      try await opened.prewarm()
      for query in subject.queries {
        await session.letOthersRun()
        _ = try await opened.answer(query)
        peak = [peak, machine.memory()].compactMap(\.self).max()
      }
      return machine.held(bundle: root)
    }
    let released = machine.held(bundle: root)
    session.emit(
      MemoryLine(
        place: session.place(subject), memoryOf: machine.memoryKind, budget: subject.budget, base: base, loaded: loaded,
        peakResident: machine.peakResident(), released: released, peak: peak))
  }
}
