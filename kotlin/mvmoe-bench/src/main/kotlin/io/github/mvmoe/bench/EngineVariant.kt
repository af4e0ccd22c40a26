package io.github.mvmoe.bench

/**
 * One way in which a device runs the targets of a format.
 *
 * @property format of the targets: `onnx`.
 * @property engine the engine with its version, for people: `ONNX Runtime 1.29.0, Android`.
 * @property provider where the engine runs its graphs: `CPU`, `XNNPACK`; null where it has no such choice.
 * @property options what [Engines.engine] is given.
 * @property label tells several ways of one format apart in the names of subjects; empty for the usual one.
 */
public class EngineVariant
    @JvmOverloads
    constructor(
        public val format: String,
        public val engine: String,
        public val provider: String? = null,
        public val options: Map<String, String> = emptyMap(),
        public val label: String = "",
    ) {
        internal val requested: EngineChoice get() = EngineChoice(engine, provider)

        internal fun fields(): Map<String, Any?> = linkedMapOf("requested" to requested, "engine_options" to options, "label" to label)
    }
