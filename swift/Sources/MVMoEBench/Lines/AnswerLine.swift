/// What a subject answered to an image.
struct AnswerLine: Line {
  let job: String
  let subject: String
  let image: Int
  let name: String
  let label: String?
  let routes: Routes?
  let answer: Int?
  let errors: Errors?

  var plain: PlainData {
    [
      "kind": "answer", "job": .text(job), "subject": .text(subject), "image": .integer(image), "name": .text(name),
      "label": .optional(label), "routes": .optional(routes, PlainData.routes), "answer": .optional(answer),
      "max_abs_error": .optional(errors?.absolute), "max_rel_error": .optional(errors?.relative),
    ]
  }
}
