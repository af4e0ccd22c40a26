package io.github.mvmoe.runtime

import io.github.mvmoe.EngineCheck
import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.bundle.ChannelOrder
import io.github.mvmoe.bundle.FileRecord
import io.github.mvmoe.bundle.GoldenSpec
import io.github.mvmoe.bundle.InputSpec
import io.github.mvmoe.bundle.Manifest
import io.github.mvmoe.bundle.Model
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.bundle.Parity
import io.github.mvmoe.bundle.Source
import io.github.mvmoe.bundle.Stage
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.bundle.Verification
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule
import io.github.mvmoe.routing.bufferOf
import io.github.mvmoe.routing.ruleOf
import io.github.mvmoe.testing.boolean
import io.github.mvmoe.testing.floats
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.int
import io.github.mvmoe.testing.ints
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.text

/**
 * Golden answers in memory, with the manifest that they belong to.
 *
 * Logits and routes are by stage and then by image, outputs by their kind, which is their name, and then by image.
 */
internal class CheckCase(
    val rules: List<Rule>,
    val wantedLogits: List<List<FloatArray>>,
    val wantedOutputs: Map<String, List<FloatArray>>,
    private val shapes: Map<String, List<Int>> = wantedOutputs.mapValues { listOf(it.value[0].size) },
    private val wantedRoutes: List<List<Route?>> = selected(rules, wantedLogits),
    private val bounds: Bounds = Bounds(),
    private val verification: Verification? = null,
    private val answered: List<Answered> = emptyList(),
) : GoldenAnswers {
    override val images: Int = wantedLogits[0].size

    override fun logits(
        stage: Int,
        image: Int,
    ): FloatArray = wantedLogits[stage - 1][image]

    override fun members(
        stage: Int,
        image: Int,
    ): Route? = wantedRoutes[stage - 1][image]

    override fun output(
        name: String,
        image: Int,
    ): FloatArray = wantedOutputs.getValue(name)[image]

    override fun shape(name: String): List<Int> = shapes.getValue(name)

    /** The check of an engine that gave these logits and outputs, and took the routes that follow, by image, if none are named. */
    fun check(
        logits: List<List<FloatArray>> = wantedLogits,
        outputs: Map<String, List<FloatArray>> = wantedOutputs,
        routes: List<List<Route>>? = null,
    ): EngineCheck {
        val found =
            List(images) { image ->
                val taken = routes?.get(image) ?: rules.mapIndexed { stage, rule -> rule.select(bufferOf(logits[stage][image])).route }
                Answered(taken, logits.map { it[image] }, outputs.mapValues { it.value[image] })
            }
        return checkAnswers(this, found, manifest(), target())
    }

    /** The check of the answers that the case came with. */
    fun checkAnswered(): EngineCheck = checkAnswers(this, answered, manifest(), target())

    private fun manifest() =
        Manifest(
            model = Model("mobile_vmoe", "tiny", 1, 1, 1),
            source = Source(null, emptyMap(), null, emptyMap()),
            input = InputSpec(1, 1, ChannelOrder.L, "squash", 1.0, null, null, null, null, "bicubic", listOf(0.5), listOf(0.5)),
            stages = listOf<Rule?>(null).plus(rules).mapIndexed { index, rule -> stage("step$index", rule) },
            outputs = wantedOutputs.keys.map { OutputSpec(it, it, listOf("step1.$it"), null) },
            targets = emptyMap(),
            usagePrior = null,
            golden = GoldenSpec(images, FileRecord("golden.safetensors", 1, "0".repeat(64))),
            restrictions = emptyList(),
        )

    private fun stage(
        name: String,
        rule: Rule?,
    ) = Stage(name, rule, null, emptyMap(), emptyMap(), emptyList())

    private fun target() =
        Target(
            name = "onnx",
            format = "onnx",
            strategy = "dispatch",
            precision = "fp32",
            batch = 1,
            graphs = emptyList(),
            weights = null,
            files = emptyList(),
            parity = verification?.let { Parity(1, 0.0, 1.0, it) },
            routersInGraph = false,
            options = emptyMap(),
            rewrites = emptyList(),
            sizes = null,
            experts = emptyList(),
            bounds = bounds,
            compression = null,
        )
}

/** A case of `checks.json`, which `generate.py` beside it writes. */
internal fun checkCaseOf(case: JsonValue): CheckCase {
    val stages = case["stages"].items()
    val outputs = case["outputs"].items()
    val answered =
        List(case["images"].int()) { image ->
            Answered(
                routes = stages.map { Route.of(*it["routes"].items()[image].ints().toIntArray()) },
                logits = stages.map { it["given"].items()[image].floats() },
                outputs = outputs.associate { it["kind"].text() to it["given"].items()[image].floats() },
            )
        }
    return CheckCase(
        rules = case["rules"].items().map { ruleOf(it as JsonObject) },
        wantedLogits = stages.map { stage -> stage["wanted"].items().map { it.floats() } },
        wantedOutputs = outputs.associate { output -> output["kind"].text() to output["wanted"].items().map { it.floats() } },
        shapes = outputs.associate { it["kind"].text() to it["shape"].ints() },
        wantedRoutes = stages.map { stage -> stage["members"].items().map { routeOrNull(it.ints()) } },
        bounds = Bounds(agreement = 0.9),
        verification = if (case["verified"].boolean()) verification() else null,
        answered = answered,
    )
}

private fun routeOrNull(experts: List<Int>): Route? = if (experts.isEmpty()) null else Route.of(*experts.toIntArray())

private fun selected(
    rules: List<Rule>,
    logits: List<List<FloatArray>>,
): List<List<Route?>> = rules.mapIndexed { stage, rule -> logits[stage].map { rule.select(bufferOf(it)).route } }

private fun verification() =
    Verification(
        images = 1,
        routingAgreement = 1.0,
        routerError = 0.0,
        routerErrorBound = 2e-4,
        answerError = 0.0,
        answerErrorBound = 3e-2,
        outputs = emptyMap(),
        nearTies = 0,
        forcedRoutes = 0,
        accuracy = null,
    )
