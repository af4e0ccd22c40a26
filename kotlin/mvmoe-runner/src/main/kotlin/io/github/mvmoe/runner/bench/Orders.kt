package io.github.mvmoe.runner.bench

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.PropertyNamingStrategies
import com.fasterxml.jackson.databind.json.JsonMapper
import com.fasterxml.jackson.module.kotlin.kotlinModule

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
)

/** A subject to make ready, and what to ask it; what only a program in Python reads is there too. */
internal data class SubjectOrder(
    val key: String,
    val kind: String,
    val root: String,
    val manifestSha256: String? = null,
    val target: String? = null,
    val outputKinds: Map<String, String> = emptyMap(),
    val classOutput: String? = null,
    val engineOptions: Map<String, String> = emptyMap(),
    val engineModules: List<String> = emptyList(),
    val program: String = "",
    val requested: EngineChoice,
    val threads: Int,
    val budget: Int? = null,
    val config: String? = null,
    val weights: String? = null,
    val plugins: Boolean = false,
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
    val sustained: Double = 0.0,
)

/** One job of one repeat, as `mvmoe bench` gives it (`benchmarks/mvmoe_bench/measure/schema/orders.py`). */
internal data class MeasurementOrder(
    val job: String,
    val kind: String,
    val oneSubject: Boolean = false,
    val repeat: Int,
    val preset: Preset,
    val images: String,
    val names: List<String> = emptyList(),
    val labels: List<String?> = emptyList(),
    val reference: Map<String, String> = emptyMap(),
    val subjects: List<SubjectOrder>,
    val startedNs: Long = 0,
    val status: String? = null,
)

/** Reads orders and writes lines: their names have underscores. */
internal val PLAIN_DATA: ObjectMapper =
    JsonMapper
        .builder()
        .addModule(kotlinModule())
        .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
        .build()
