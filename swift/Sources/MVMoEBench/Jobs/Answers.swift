/// What each subject answers to each image, and which route it takes. Nothing is timed.
struct Answers: OneByOne {
  func measure(_ session: Session, _ subject: SubjectOrder) async throws {
    let reference = try session.reference(subject)
    try await session.withOpen(subject) { opened in
      for query in subject.queries {
        if session.isCancelled { return }
        await session.letOthersRun()
        let traced = try await opened.trace(query)
        let outputs = if let traced { traced.outputs } else { try await opened.answer(query) }
        session.emit(
          line(session.order, subject, query, traced, outputs, try reference?.errors(outputs, image: query.image)))
        try session.flush()
      }
    }
  }

  private func line(
    _ order: MeasurementOrder, _ subject: SubjectOrder, _ query: Query, _ traced: Traced?, _ outputs: OutputValues,
    _ errors: Errors?
  ) -> AnswerLine {
    let image = query.image
    let classes = outputs.first { $0.name == subject.classOutput }?.numbers
    return AnswerLine(
      job: order.job, subject: subject.key, image: image,
      name: order.names.indices.contains(image) ? order.names[image] : "",
      label: order.labels.indices.contains(image) ? order.labels[image] : nil,
      routes: traced?.routes, answer: classes?.placeOfHighest, errors: errors)
  }
}

extension [Float] {
  /// The first place of the highest number; nil without numbers.
  fileprivate var placeOfHighest: Int? { indices.max { self[$0] < self[$1] || (self[$0] == self[$1] && $0 > $1) } }
}
