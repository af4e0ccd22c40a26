/// Bytes of all golden vectors.
let mostGoldenBytes = 1 << 31

/// The tensors of an output have one shape, which fits its kind and its labels.
func checkKinds(_ manifest: Manifest, _ shapes: OutputShapes) throws {
  for output in manifest.outputs { try checkKind(output, shapes) }
}

private func checkKind(_ output: OutputSpec, _ shapes: OutputShapes) throws {
  guard let kind = OutputKinds.find(output.kind) else { throw unknownKind(output) }
  let shape = try shapes.of(output)
  let fault = Fault(
    .bundleOutputShape, ["output": .text(output.name), "kind": .text(output.kind), "found": .shape(shape)])
  try requireConsistent(
    output.tensors.allSatisfy { shapes[$0] == shape }, fault,
    "the tensors of the output \(output.name) have different shapes")
  try requireConsistent(
    kind.fits(shape), fault,
    "the output \(output.name) has the shape \(brief(shape)) behind the batch; its kind \(output.kind) has \(kind.form)"
  )
  guard let labels = output.labels else { return }
  let classes = kind.classes(shape)
  try requireConsistent(
    labels.count == classes,
    "there are \(labels.count) labels for the \(classes.map(String.init) ?? "no") classes of the output \(output.name)")
}

private func unknownKind(_ output: OutputSpec) -> MVMoEError {
  inconsistent(
    "the output \(output.name) is of the kind \(output.kind); this release has "
      + "\(OutputKinds.names.joined(separator: ", ")): use a release that has the kind",
    Fault(
      .bundleUnknownKind, ["name": .text(output.kind), "installed": .list(OutputKinds.names.map(ErrorValue.text))]))
}

/// The golden vectors have sizes that can be read.
func checkGoldenSize(_ manifest: Manifest, _ shapes: OutputShapes) throws {
  let images = manifest.golden.images
  var vectors = NamedTypes()
  vectors["image"] = float32([images] + manifest.input.shape)
  for output in manifest.outputs { vectors["outputs.\(output.name)"] = float32([images] + (try shapes.of(output))) }
  try requireSizes(vectors, "the golden file")
  // Logits, gates and members.
  let routed = manifest.rules.reduce(0) { $0 + 9 * $1.experts }
  let total = vectors.reduce(images * routed) { $0 + byteCount(of: $1.type.shape, .float32) }
  try requireConsistent(
    total <= mostGoldenBytes, .tooLarge(mostGoldenBytes),
    "its golden vectors have \(total) bytes together; at most \(mostGoldenBytes) are read")
}
