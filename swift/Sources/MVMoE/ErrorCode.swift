/// What went wrong, from the closed list of `docs/errors.md`; the raw value is the same in every language.
public enum ErrorCode: String, Sendable, CaseIterable {
  /// The bundle cannot be used, for a reason without a code of its own.
  case bundleInvalid = "bundle.invalid"

  /// There is no bundle at the path.
  case bundleMissing = "bundle.missing"

  /// The manifest is of another format or version than this release reads.
  case bundleUnsupportedVersion = "bundle.unsupported-version"

  /// The manifest does not follow its schema, for a reason without a code of its own.
  case bundleManifestInvalid = "bundle.manifest-invalid"

  /// The manifest is no JSON: it is cut off, is no UTF-8, or is written more freely (a comma at the end, NaN, a comment).
  case bundleManifestNotJson = "bundle.manifest-not-json"

  /// The manifest begins with a byte order mark.
  case bundleManifestByteOrderMark = "bundle.manifest-byte-order-mark"

  /// An object of the manifest has a key twice, so that it has no single meaning.
  case bundleManifestDuplicateKey = "bundle.manifest-duplicate-key"

  /// The manifest is nested too deeply to be read.
  case bundleManifestTooDeep = "bundle.manifest-too-deep"

  /// An object of the manifest has a field that this release does not know.
  case bundleManifestUnknownField = "bundle.manifest-unknown-field"

  /// An object of the manifest lacks a field.
  case bundleManifestMissingField = "bundle.manifest-missing-field"

  /// A field of the manifest is of another type: a text where a number is expected, ...
  case bundleManifestWrongType = "bundle.manifest-wrong-type"

  /// A value of the manifest is outside what its field may have: a number, a length, or a text of another form.
  case bundleManifestOutOfRange = "bundle.manifest-out-of-range"

  /// Fields of the manifest contradict each other.
  case bundleManifestInconsistent = "bundle.manifest-inconsistent"

  /// A path in the manifest is absolute, or leads out of the bundle.
  case bundlePathOutside = "bundle.path-outside"

  /// A target lacks a graph that a stage needs with its strategy, has one twice, or has one that belongs to no stage or route.
  case bundleGraphsMismatch = "bundle.graphs-mismatch"

  /// A graph takes or gives other tensors than its stage and route have, or a weight that its target does not store.
  case bundleTensorsMismatch = "bundle.tensors-mismatch"

  /// The weights of experts, which graphs take as inputs, are not ranges of the target's file of weights: one overlaps another, ends beyond the file, begins at no multiple of 16,384, or does not hold its tensors.
  case bundleRangesInvalid = "bundle.ranges-invalid"

  /// A target has its routers inside of its graph, which its strategy, or the model's stages, rules or names, do not allow.
  case bundleRoutersMismatch = "bundle.routers-mismatch"

  /// A stage takes a tensor, or is routed by one, that no stage before it gives; or an output is one that no stage gives.
  case bundleTensorUnknown = "bundle.tensor-unknown"

  /// An image may be finished before it has one of the outputs.
  case bundleOutputMissing = "bundle.output-missing"

  /// The tensors of an output do not have one shape that fits its kind.
  case bundleOutputShape = "bundle.output-shape"

  /// A stage finishes images on routes that its rule does not have, or on all of them.
  case bundleFinishesInvalid = "bundle.finishes-invalid"

  /// A stage gives a tensor that is there already.
  case bundleTensorGivenTwice = "bundle.tensor-given-twice"

  /// The manifest, a tensor, or all tensors together are larger than is read.
  case bundleTooLarge = "bundle.too-large"

  /// A stage is routed by a rule that is not installed.
  case bundleUnknownRule = "bundle.unknown-rule"

  /// A target is of a strategy that is not installed.
  case bundleUnknownStrategy = "bundle.unknown-strategy"

  /// An output has a kind that this release does not know.
  case bundleUnknownKind = "bundle.unknown-kind"

  /// A target's graphs are of a format that no installed runner runs.
  case bundleUnknownFormat = "bundle.unknown-format"

  /// The manifest has another SHA-256 than the caller asked for.
  case bundleWrongManifest = "bundle.wrong-manifest"

  /// A file that the manifest lists is missing.
  case bundleFileMissing = "bundle.file-missing"

  /// A file of the bundle is a symbolic link, a directory or a device.
  case bundleFileNotPlain = "bundle.file-not-plain"

  /// The system refuses to read a file of the bundle.
  case bundleFileUnreadable = "bundle.file-unreadable"

  /// A file has another size than the manifest says, or than makes sense.
  case bundleSizeMismatch = "bundle.size-mismatch"

  /// A file has another SHA-256 than the manifest says.
  case bundleHashMismatch = "bundle.hash-mismatch"

  /// The golden vectors are damaged or do not fit the manifest.
  case bundleGoldenInvalid = "bundle.golden-invalid"

  /// A file was replaced, changed or removed while the bundle was open.
  case bundleReplaced = "bundle.replaced"

  /// The bundle has no target of that name.
  case bundleNoTarget = "bundle.no-target"

  /// The image cannot be used, for a reason without a code of its own.
  case imageInvalid = "image.invalid"

  /// The object is no image: neither a path, a PIL image, an array of the right type and shape, nor a pixel buffer.
  case imageType = "image.type"

  /// The file does not exist or the system refuses to read it.
  case imageUnreadable = "image.unreadable"

  /// The file is no image of a format that is read, is damaged, or is cut off.
  case imageDamaged = "image.damaged"

  /// The image has more bytes or pixels than are read.
  case imageTooLarge = "image.too-large"

  /// The image's samples have a type or layout that is not read.
  case imageUnsupportedSamples = "image.unsupported-samples"

  /// A pixel buffer has an unknown format, orientation, matrix or value range, or other planes than its format.
  case imageBufferFormat = "image.buffer-format"

  /// The sides of a pixel buffer are not above 0, or odd where 2 x 2 pixels share chroma.
  case imageBufferSize = "image.buffer-size"

  /// A stride of a pixel buffer is negative, or so small that rows or pixels overlap.
  case imageBufferStride = "image.buffer-stride"

  /// A plane of a pixel buffer has fewer bytes than its size and strides need.
  case imageBufferTooShort = "image.buffer-too-short"

  /// The fields of a preprocessing contradict each other: the way from an image to the model's input is not defined.
  case preprocessingInvalid = "preprocessing.invalid"

  /// The logits of a router cannot be routed, for a reason without a code of its own.
  case routingInvalid = "routing.invalid"

  /// A router gave a logit that is not finite; there is no default route.
  case routingNotFinite = "routing.not-finite"

  /// A router gave logits of another shape or type than its rule expects.
  case routingLogitsShape = "routing.logits-shape"

  /// A route is none of its rule's.
  case routingUnknownRoute = "routing.unknown-route"

  /// The values of a routing rule leave no route.
  case routingRuleInvalid = "routing.rule-invalid"

  /// The caller has to choose a route by its name, and has not.
  case routingChoiceMissing = "routing.choice-missing"

  /// The caller chose a name that no route has.
  case routingChoiceUnknown = "routing.choice-unknown"

  /// The caller chose for something that the model leaves to nobody, or to its routers.
  case routingNoSuchChoice = "routing.no-such-choice"

  /// The dispatcher was closed.
  case dispatcherClosed = "dispatcher.closed"

  /// The dispatcher was copied, pickled, or used in a forked child.
  case dispatcherWrongProcess = "dispatcher.wrong-process"

  /// An engine failed, for a reason without a code of its own.
  case engineFailed = "engine.failed"

  /// An engine refused to load a graph.
  case engineLoadFailed = "engine.load-failed"

  /// An engine loaded a graph but failed to run it.
  case engineRunFailed = "engine.run-failed"

  /// A graph takes or gives other tensors than the manifest says.
  case engineWrongSignature = "engine.wrong-signature"

  /// The process of an engine ended while it loaded or ran a graph.
  case engineProcessEnded = "engine.process-ended"

  /// An engine did not load or run a graph in time and was stopped.
  case engineTimeout = "engine.timeout"

  /// Some images of a batch have no answer; the others' answers are in the error.
  case enginePartialResult = "engine.partial-result"

  /// The engine does not exist on this system.
  case engineUnsupportedPlatform = "engine.unsupported-platform"

  /// An option of an engine is unknown or has an impossible value.
  case engineOption = "engine.option"

  /// A limit of the process or the machine was met.
  case limitReached = "limit.reached"

  /// No further file can be opened.
  case limitFiles = "limit.files"

  /// Memory ran out.
  case limitMemory = "limit.memory"

  /// No further thread can be started.
  case limitThreads = "limit.threads"

  /// An argument cannot be used, for a reason without a code of its own.
  case inputInvalid = "input.invalid"

  /// An option has a value that it cannot have, or that does not go with another.
  case inputOption = "input.option"

  /// An array has another shape or type than the model's input.
  case inputShape = "input.shape"

  /// An output has a shape that an output of its kind cannot have.
  case inputOutputShape = "input.output-shape"

  /// The class was asked for of a model that does not classify.
  case inputNoneClassifies = "input.none-classifies"

  /// The engine does not answer as the bundle's golden vectors (`Dispatcher.check`).
  case checkEngine = "check.engine"
}
