package io.github.mvmoe.bench

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException

/** One job of one repeat, as `mvmoe bench` orders it (`benchmarks/mvmoe_bench/measure/schema/orders.py`). */
public class MeasurementOrder internal constructor(
    internal val job: String,
    internal val kind: String,
    internal val repeat: Int,
    internal val preset: Preset,
    internal val images: String,
    internal val names: List<String>,
    internal val labels: List<String?>,
    /** By the key of a subject, a safetensors file of what it should answer. */
    internal val reference: Map<String, String>,
    internal val subjects: List<SubjectOrder>,
    internal val status: String?,
    /** When the planner has started the process that follows it, by the planner's monotonic clock in nanoseconds; 0 for unknown. */
    public val startedNs: Long,
) {
    public companion object {
        /**
         * Reads an order.
         *
         * @param json UTF-8, of at most 32 MiB.
         * @throws InputException for anything but an order of this version (`input.invalid`); the message names the field.
         */
        @JvmStatic
        public fun parse(json: ByteArray): MeasurementOrder =
            try {
                readOrder(json)
            } catch (error: BundleException) {
                throw InputException(
                    ErrorCode.INPUT_INVALID,
                    "what was given is no order of this version of mvmoe bench: ${error.message}; use one version on both sides",
                    error.fields,
                )
            }
    }
}

/** One route for each routed stage. */
internal typealias Routes = List<List<Int>>

/** One question: an image, and its route where that is known or imposed. */
internal data class Query(
    val image: Int,
    val routes: Routes? = null,
    val forced: Boolean = false,
    val choices: Map<String, String> = emptyMap(),
)

/** An engine and where it runs its graphs. */
internal data class EngineChoice(
    val engine: String,
    val provider: String? = null,
) : Encodable {
    override fun fields(): Map<String, Any?> = linkedMapOf("engine" to engine, "provider" to provider)
}

/** A subject to make ready, and what to ask it. */
internal data class SubjectOrder(
    val key: String,
    val kind: String,
    val root: String,
    val manifestSha256: String? = null,
    val target: String? = null,
    val outputKinds: Map<String, String> = emptyMap(),
    val classOutput: String? = null,
    val engineOptions: Map<String, String> = emptyMap(),
    val threads: Int,
    val budget: Int? = null,
    val queries: List<Query>,
)

/** How much is measured. */
internal data class Preset(
    val name: String,
    val repeats: Int,
    val queries: Int,
    val seconds: Double,
    val mostSeconds: Double,
    val warmup: Int,
    val starts: Int,
    val stream: Int,
    val cooldown: Double,
    /** Seconds of the job `sustained`; 0 for none. */
    val sustained: Double = 0.0,
    /** Seconds of the job `paced`, all repeats together; 0 for none. */
    val paced: Double = 0.0,
    /** Frames a second of the job `paced`. */
    val rate: Double = 30.0,
) : Encodable {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "name" to name,
            "repeats" to repeats,
            "queries" to queries,
            "seconds" to seconds,
            "most_seconds" to mostSeconds,
            "warmup" to warmup,
            "starts" to starts,
            "stream" to stream,
            "cooldown" to cooldown,
            "sustained" to sustained,
            "paced" to paced,
            "rate" to rate,
        )
}
