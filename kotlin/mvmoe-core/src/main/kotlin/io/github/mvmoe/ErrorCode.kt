package io.github.mvmoe

/** What went wrong, from the closed list of `docs/errors.md`; [id] is the same in every language. */
public enum class ErrorCode(
    public val id: String,
) {
    /** The bundle cannot be used, for a reason without a code of its own. */
    BUNDLE_INVALID("bundle.invalid"),

    /** There is no bundle at the path. */
    BUNDLE_MISSING("bundle.missing"),

    /** The manifest is of another format or version than this release reads. */
    BUNDLE_UNSUPPORTED_VERSION("bundle.unsupported-version"),

    /** The manifest does not follow its schema, for a reason without a code of its own. */
    BUNDLE_MANIFEST_INVALID("bundle.manifest-invalid"),

    /** The manifest is no JSON: it is cut off, is no UTF-8, or is written more freely (a comma at the end, NaN, a comment). */
    BUNDLE_MANIFEST_NOT_JSON("bundle.manifest-not-json"),

    /** The manifest begins with a byte order mark. */
    BUNDLE_MANIFEST_BYTE_ORDER_MARK("bundle.manifest-byte-order-mark"),

    /** An object of the manifest has a key twice, so that it has no single meaning. */
    BUNDLE_MANIFEST_DUPLICATE_KEY("bundle.manifest-duplicate-key"),

    /** The manifest is nested too deeply to be read. */
    BUNDLE_MANIFEST_TOO_DEEP("bundle.manifest-too-deep"),

    /** An object of the manifest has a field that this release does not know. */
    BUNDLE_MANIFEST_UNKNOWN_FIELD("bundle.manifest-unknown-field"),

    /** An object of the manifest lacks a field. */
    BUNDLE_MANIFEST_MISSING_FIELD("bundle.manifest-missing-field"),

    /** A field of the manifest is of another type: a text where a number is expected, ... */
    BUNDLE_MANIFEST_WRONG_TYPE("bundle.manifest-wrong-type"),

    /** A value of the manifest is outside what its field may have: a number, a length, or a text of another form. */
    BUNDLE_MANIFEST_OUT_OF_RANGE("bundle.manifest-out-of-range"),

    /** Fields of the manifest contradict each other. */
    BUNDLE_MANIFEST_INCONSISTENT("bundle.manifest-inconsistent"),

    /** A path in the manifest is absolute, or leads out of the bundle. */
    BUNDLE_PATH_OUTSIDE("bundle.path-outside"),

    /** A target lacks a graph that a stage needs with its strategy, has one twice, or has one that belongs to no stage or route. */
    BUNDLE_GRAPHS_MISMATCH("bundle.graphs-mismatch"),

    /** A graph takes or gives other tensors than its stage and route have, or a weight that its target does not store. */
    BUNDLE_TENSORS_MISMATCH("bundle.tensors-mismatch"),

    /** The weights of experts, which graphs take as inputs, are not ranges of the target's file of weights: one overlaps another, ends beyond the file, begins at no multiple of 16,384, or does not hold its tensors. */
    BUNDLE_RANGES_INVALID("bundle.ranges-invalid"),

    /** A target has its routers inside of its graph, which its strategy, or the model's stages, rules or names, do not allow. */
    BUNDLE_ROUTERS_MISMATCH("bundle.routers-mismatch"),

    /** A stage takes a tensor, or is routed by one, that no stage before it gives; or an output is one that no stage gives. */
    BUNDLE_TENSOR_UNKNOWN("bundle.tensor-unknown"),

    /** An image may be finished before it has one of the outputs. */
    BUNDLE_OUTPUT_MISSING("bundle.output-missing"),

    /** The tensors of an output do not have one shape that fits its kind. */
    BUNDLE_OUTPUT_SHAPE("bundle.output-shape"),

    /** A stage finishes images on routes that its rule does not have, or on all of them. */
    BUNDLE_FINISHES_INVALID("bundle.finishes-invalid"),

    /** A stage gives a tensor that is there already. */
    BUNDLE_TENSOR_GIVEN_TWICE("bundle.tensor-given-twice"),

    /** The manifest, a tensor, or all tensors together are larger than is read. */
    BUNDLE_TOO_LARGE("bundle.too-large"),

    /** A stage is routed by a rule that is not installed. */
    BUNDLE_UNKNOWN_RULE("bundle.unknown-rule"),

    /** A target is of a strategy that is not installed. */
    BUNDLE_UNKNOWN_STRATEGY("bundle.unknown-strategy"),

    /** An output has a kind that this release does not know. */
    BUNDLE_UNKNOWN_KIND("bundle.unknown-kind"),

    /** A target's graphs are of a format that no installed runner runs. */
    BUNDLE_UNKNOWN_FORMAT("bundle.unknown-format"),

    /** The manifest has another SHA-256 than the caller asked for. */
    BUNDLE_WRONG_MANIFEST("bundle.wrong-manifest"),

    /** A file that the manifest lists is missing. */
    BUNDLE_FILE_MISSING("bundle.file-missing"),

    /** A file of the bundle is a symbolic link, a directory or a device. */
    BUNDLE_FILE_NOT_PLAIN("bundle.file-not-plain"),

    /** The system refuses to read a file of the bundle. */
    BUNDLE_FILE_UNREADABLE("bundle.file-unreadable"),

    /** A file has another size than the manifest says, or than makes sense. */
    BUNDLE_SIZE_MISMATCH("bundle.size-mismatch"),

    /** A file has another SHA-256 than the manifest says. */
    BUNDLE_HASH_MISMATCH("bundle.hash-mismatch"),

    /** The golden vectors are damaged or do not fit the manifest. */
    BUNDLE_GOLDEN_INVALID("bundle.golden-invalid"),

    /** A file was replaced, changed or removed while the bundle was open. */
    BUNDLE_REPLACED("bundle.replaced"),

    /** The bundle has no target of that name. */
    BUNDLE_NO_TARGET("bundle.no-target"),

    /** The image cannot be used, for a reason without a code of its own. */
    IMAGE_INVALID("image.invalid"),

    /** The object is no image: neither a path, a PIL image, an array of the right type and shape, nor a pixel buffer. */
    IMAGE_TYPE("image.type"),

    /** The file does not exist or the system refuses to read it. */
    IMAGE_UNREADABLE("image.unreadable"),

    /** The file is no image of a format that is read, is damaged, or is cut off. */
    IMAGE_DAMAGED("image.damaged"),

    /** The image has more bytes or pixels than are read. */
    IMAGE_TOO_LARGE("image.too-large"),

    /** The image's samples have a type or layout that is not read. */
    IMAGE_UNSUPPORTED_SAMPLES("image.unsupported-samples"),

    /** A pixel buffer has an unknown format, orientation, matrix or value range, or other planes than its format. */
    IMAGE_BUFFER_FORMAT("image.buffer-format"),

    /** The sides of a pixel buffer are not above 0, or odd where 2 x 2 pixels share chroma. */
    IMAGE_BUFFER_SIZE("image.buffer-size"),

    /** A stride of a pixel buffer is negative, or so small that rows or pixels overlap. */
    IMAGE_BUFFER_STRIDE("image.buffer-stride"),

    /** A plane of a pixel buffer has fewer bytes than its size and strides need. */
    IMAGE_BUFFER_TOO_SHORT("image.buffer-too-short"),

    /** The fields of a preprocessing contradict each other: the way from an image to the model's input is not defined. */
    PREPROCESSING_INVALID("preprocessing.invalid"),

    /** The logits of a router cannot be routed, for a reason without a code of its own. */
    ROUTING_INVALID("routing.invalid"),

    /** A router gave a logit that is not finite; there is no default route. */
    ROUTING_NOT_FINITE("routing.not-finite"),

    /** A router gave logits of another shape or type than its rule expects. */
    ROUTING_LOGITS_SHAPE("routing.logits-shape"),

    /** A route is none of its rule's. */
    ROUTING_UNKNOWN_ROUTE("routing.unknown-route"),

    /** The values of a routing rule leave no route. */
    ROUTING_RULE_INVALID("routing.rule-invalid"),

    /** The caller has to choose a route by its name, and has not. */
    ROUTING_CHOICE_MISSING("routing.choice-missing"),

    /** The caller chose a name that no route has. */
    ROUTING_CHOICE_UNKNOWN("routing.choice-unknown"),

    /** The caller chose for something that the model leaves to nobody, or to its routers. */
    ROUTING_NO_SUCH_CHOICE("routing.no-such-choice"),

    /** The dispatcher was closed. */
    DISPATCHER_CLOSED("dispatcher.closed"),

    /** The dispatcher was copied, pickled, or used in a forked child. */
    DISPATCHER_WRONG_PROCESS("dispatcher.wrong-process"),

    /** An engine failed, for a reason without a code of its own. */
    ENGINE_FAILED("engine.failed"),

    /** An engine refused to load a graph. */
    ENGINE_LOAD_FAILED("engine.load-failed"),

    /** An engine loaded a graph but failed to run it. */
    ENGINE_RUN_FAILED("engine.run-failed"),

    /** A graph takes or gives other tensors than the manifest says. */
    ENGINE_WRONG_SIGNATURE("engine.wrong-signature"),

    /** The process of an engine ended while it loaded or ran a graph. */
    ENGINE_PROCESS_ENDED("engine.process-ended"),

    /** An engine did not load or run a graph in time and was stopped. */
    ENGINE_TIMEOUT("engine.timeout"),

    /** Some images of a batch have no answer; the others' answers are in the error. */
    ENGINE_PARTIAL_RESULT("engine.partial-result"),

    /** The engine does not exist on this system. */
    ENGINE_UNSUPPORTED_PLATFORM("engine.unsupported-platform"),

    /** An option of an engine is unknown or has an impossible value. */
    ENGINE_OPTION("engine.option"),

    /** A limit of the process or the machine was met. */
    LIMIT_REACHED("limit.reached"),

    /** No further file can be opened. */
    LIMIT_FILES("limit.files"),

    /** Memory ran out. */
    LIMIT_MEMORY("limit.memory"),

    /** No further thread can be started. */
    LIMIT_THREADS("limit.threads"),

    /** An argument cannot be used, for a reason without a code of its own. */
    INPUT_INVALID("input.invalid"),

    /** An option has a value that it cannot have, or that does not go with another. */
    INPUT_OPTION("input.option"),

    /** An array has another shape or type than the model's input. */
    INPUT_SHAPE("input.shape"),

    /** An output has a shape that an output of its kind cannot have. */
    INPUT_OUTPUT_SHAPE("input.output-shape"),

    /** The class was asked for of a model that does not classify. */
    INPUT_NONE_CLASSIFIES("input.none-classifies"),

    /** The engine does not answer as the bundle's golden vectors (`Dispatcher.check`). */
    CHECK_ENGINE("check.engine"),
}
