package io.github.mvmoe.runtime

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Writes the bundle of a [ToyModel]; its golden vectors are of [golden] images of the model's own. */
internal class ToyBundle(
    private val model: ToyModel,
    private val folder: File,
    private val golden: List<FloatArray> = List(1) { FloatArray(model.width) },
) {
    private val files = ArrayList<Map<String, Any?>>()
    private val stages = model.experts.size

    fun write(prior: Any? = null): File {
        val graphs = if (model.routersInGraph) listOf(wholeGraph()) else listOf(stem()) + (0 until stages).flatMap(::routed)
        val experts = if (model.strategy == "bind") writeWeights() else emptyList()
        val target =
            mapOf(
                "format" to "fake",
                "strategy" to model.strategy,
                "precision" to "fp32",
                "batch" to model.batch,
                "graphs" to graphs,
                "weights" to if (experts.isEmpty()) null else "weights.bin",
                "files" to files,
                "parity" to null,
                "routers" to if (model.routersInGraph) "in-graph" else "host",
                "experts" to experts,
            )
        File(folder, "manifest.json").writeText(jsonText(manifest(target, prior)))
        return folder
    }

    private fun manifest(
        target: Map<String, Any?>,
        prior: Any?,
    ) = mapOf(
        "format" to "mvmoe-bundle",
        "version" to 2,
        "model" to mapOf("family" to "toy", "name" to "toy", "params_total" to 1, "params_active" to 1, "macs" to 1),
        "source" to mapOf("checkpoint_sha256" to null, "packages" to emptyMap<String, Any?>()),
        "input" to
            mapOf(
                "height" to 1,
                "width" to model.width,
                "channel_order" to "L",
                "resize" to "squash",
                "interpolation" to "nearest",
                "mean" to listOf(0.0),
                "std" to listOf(1.0),
            ),
        "stages" to listOf(stemStage()) + (0 until stages).map(::routedStage),
        "outputs" to
            listOf(
                mapOf("name" to "answer", "kind" to "tensor", "tensors" to (0..stages).map { "s$it.value" }.takeLast(outputsInTurn())),
                mapOf("name" to "scores", "kind" to "logits", "tensors" to listOf("s0.scores"), "labels" to listOf("x", "double", "minus")),
            ),
        "targets" to mapOf("toy" to target),
        "usage_prior" to prior,
        "golden" to mapOf("images" to golden.size, "file" to fileRecord(ToyGolden(model, golden).write(File(folder, "golden")))),
    )

    /** With routers inside an output is one tensor. */
    private fun outputsInTurn() = if (model.routersInGraph) 1 else stages + 1

    private fun stemStage() =
        mapOf(
            "name" to "s0",
            "rule" to null,
            "router" to null,
            "takes" to mapOf("image" to "image"),
            "gives" to
                routers().associate { "logits$it" to "s0.logits$it" } +
                listOf("state", "value", "scores").associateWith { "s0.$it" },
        )

    private fun routedStage(stage: Int) =
        mapOf(
            "name" to "s${stage + 1}",
            "rule" to model.rules[stage],
            "router" to if (stage in routers()) "s0.logits$stage" else null,
            "takes" to mapOf("state" to "s$stage.state"),
            "gives" to mapOf("next_state" to "s${stage + 1}.state", "value" to "s${stage + 1}.value"),
            "finishes" to model.finishes[stage],
        )

    private fun routers() = (0 until stages).filter { ToyEngine.hasRouter(model.rules[it]) }

    private fun stem() =
        graph(
            "stem",
            0,
            null,
            listOf(spec("image", 1, 1, model.width)),
            routers().map { spec("logits$it", model.experts[it]) } + state("state") + spec("value", 1) + spec("scores", 3),
        )

    private fun wholeGraph() =
        graph(
            "whole",
            0,
            null,
            listOf(spec("image", 1, 1, model.width), spec("steering", model.width - 1)),
            listOf(spec("answer", 1), spec("scores", 3), spec("router_logits", model.width - 1)),
        )

    private fun routed(stage: Int): List<Map<String, Any?>> {
        val given = listOf(state("next_state"), spec("value", 1))
        val name = "s${stage + 1}"
        val longest = routes(stage).maxOf { it.size }
        val state = state("state")
        return when (model.strategy) {
            "dispatch" -> {
                routes(stage)
                    .filter { it !in model.finishes[stage] }
                    .map { graph("${name}_r${it.joinToString("_")}", stage + 1, it, listOf(state, spec("gates", it.size)), given) }
            }

            "experts" -> {
                routes(stage).flatten().toSortedSet().filter { longest > 1 || listOf(it) !in model.finishes[stage] }.map {
                    graph(
                        "${name}_e$it",
                        stage + 1,
                        listOf(it),
                        listOf(state),
                        listOf(spec("output", 1)),
                    )
                } +
                    graph(
                        "${name}_join",
                        stage + 1,
                        null,
                        listOf(state) + (0 until longest).map { spec("slot${it}_output", 1) } + spec("gates", longest),
                        given,
                    )
            }

            "bind" -> {
                routes(stage).map { it.size }.distinct().sorted().map { length ->
                    val weights = (0 until length).map { tensor("w$it", 1) }
                    val route = (0 until length).toList()
                    graph("${name}_b$length", stage + 1, route, listOf(state, spec("gates", length)) + weights, given) +
                        ("bound" to route.associate { "w$it" to mapOf("place" to it, "tensor" to "w") })
                }
            }

            "gather" -> {
                val index = mapOf("name" to "experts", "shape" to listOf(model.batch, longest), "dtype" to model.indexType)
                listOf(graph(name, stage + 1, null, listOf(state, spec("gates", longest), index), given))
            }

            else -> {
                listOf(graph(name, stage + 1, null, listOf(state, spec("gates", model.experts[stage])), given))
            }
        }
    }

    /** The routes of a rule of the tests: `top_k`, `threshold` and `given` over that. */
    private fun routes(stage: Int): List<List<Int>> = routes(model.rules[stage], model.experts[stage])

    @Suppress("UNCHECKED_CAST")
    private fun routes(
        rule: Map<String, Any?>,
        experts: Int,
    ): List<List<Int>> {
        val longest = if (rule["type"] == "top_k") rule["k"] as Int? ?: 1 else experts
        val kept = model.kept(rule, experts)
        val sets = (1..longest).flatMap { sets(experts, it) }.filter(kept::containsAll)
        return when (rule["type"]) {
            "top_k" -> {
                sets.filter { it.size == (rule["k"] ?: 1) }
            }

            "threshold" -> {
                sets
            }

            else -> {
                val named = (rule.getValue("routes") as Map<String, List<Int>>).values.distinct()
                val others = (rule["otherwise"] as Map<String, Any?>?)?.let { routes(it, experts) }.orEmpty()
                (named + others).distinct()
            }
        }
    }

    /** All sets of [size] experts. */
    private fun sets(
        experts: Int,
        size: Int,
    ): List<List<Int>> =
        if (size == 0) listOf(emptyList()) else (0 until experts).flatMap { last -> sets(last, size - 1).map { it + last } }

    private fun spec(
        name: String,
        vararg shape: Int,
    ) = tensor(name, model.batch, *shape)

    private fun state(name: String) = spec(name, 1) + ("dtype" to model.stateType)

    private fun graph(
        name: String,
        stage: Int,
        route: List<Int>?,
        inputs: List<Any>,
        outputs: List<Any>,
    ): Map<String, Any?> {
        val file = File(folder, "$name.bin").also { it.writeText(name) }
        files += fileRecord(file)
        return mapOf(
            "name" to name,
            "stage" to stage,
            "route" to route,
            "file" to file.name,
            "weight_bytes" to 10,
            "exclusive_bytes" to 0,
            "inputs" to inputs,
            "outputs" to outputs,
        )
    }

    /** Writes the weights of all experts, each at a page of its own; gives where they are. */
    private fun writeWeights(): List<List<Map<String, Any?>>> {
        val bytes = ByteBuffer.allocate(PAGE * model.experts.sum()).order(ByteOrder.LITTLE_ENDIAN)
        var offset = -PAGE
        val places =
            model.experts.mapIndexed { stage, count ->
                (0 until count).map { expert ->
                    offset += PAGE
                    bytes.putFloat(offset, model.weight(stage, expert))
                    val stored = mapOf("offset" to offset, "shape" to listOf(1), "dtype" to "float32")
                    // What only finishes images is never computed, and has no weights; nor has what no route has.
                    val runs = listOf(expert) !in model.finishes[stage] && routes(stage).any { expert in it }
                    val tensors = mapOf("w" to stored).filterKeys { runs }
                    mapOf("offset" to offset, "bytes" to 4, "tensors" to tensors)
                }
            }
        val file = File(folder, "weights.bin").also { it.writeBytes(bytes.array()) }
        files += fileRecord(file)
        return places
    }

    private companion object {
        const val PAGE = 16_384
    }
}
