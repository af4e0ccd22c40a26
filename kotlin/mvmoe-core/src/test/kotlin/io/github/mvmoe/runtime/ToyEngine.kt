package io.github.mvmoe.runtime

import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Runs the graphs of a [ToyModel]; a test may make loads and runs wait or fail. */
internal class ToyEngine(
    private val model: ToyModel,
) : StrictEngine() {
    /** What happens at the beginning of a load or a run, by the graph's name. */
    @Volatile
    var beforeLoad: (String) -> Unit = {}

    @Volatile
    var beforeRun: (String) -> Unit = {}

    /** What is done to the outputs at the end of a run. */
    @Volatile
    var afterRun: (Map<String, Tensor>) -> Unit = {}

    override fun onLoad(graph: Graph) = beforeLoad(graph.name)

    override fun onRun(
        graph: Graph,
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ) {
        beforeRun(graph.name)
        for (image in 0 until model.batch) {
            when {
                model.routersInGraph -> runAll(Row(inputs, image), Row(outputs, image))
                graph.stage == 0 -> runStem(Row(inputs, image), Row(outputs, image))
                else -> runRouted(graph, Row(inputs, image), Row(outputs, image))
            }
        }
        afterRun(outputs)
    }

    private fun runStem(
        inputs: Row,
        outputs: Row,
    ) {
        val image = inputs.floats("image")
        val x = image.last()
        for (stage in model.experts.indices) {
            if (hasRouter(model.rules[stage])) outputs.put("logits$stage", model.logits(image, stage))
        }
        outputs.putState("state", x)
        outputs.put("value", listOf(x))
        outputs.put("scores", listOf(x, 2 * x, -x))
    }

    private fun runRouted(
        graph: Graph,
        inputs: Row,
        outputs: Row,
    ) {
        val stage = graph.stage - 1
        if (graph.name.contains("_e")) {
            outputs.put("output", listOf(model.weight(stage, graph.route!![0]) * (inputs.state("state") + 1)))
            return
        }
        val state = inputs.state("state")
        val gates = inputs.floats("gates")
        val added =
            gates.indices.map { place ->
                val given =
                    when (model.strategy) {
                        "experts" -> inputs.floats("slot${place}_output")[0]
                        "bind" -> inputs.all("w$place")[0] * (state + 1)
                        "gather" -> model.weight(stage, inputs.index("experts", place)) * (state + 1)
                        "all-experts" -> model.weight(stage, place) * (state + 1)
                        else -> model.weight(stage, graph.route!![place]) * (state + 1)
                    }
                (gates[place] * given).toDouble()
            }
        val next = state + added.sum().toFloat()
        outputs.putState("next_state", next)
        outputs.put("value", listOf(next))
    }

    /** Selects by itself, as [top] does. */
    private fun runAll(
        inputs: Row,
        outputs: Row,
    ) {
        val image = inputs.floats("image")
        val steering = inputs.floats("steering")
        check(steering.all { it == 0f }) { "the steering is $steering" }
        val routes = model.experts.indices.map { top(model.logits(image, it)) }
        val gates = routes.indices.map { stage -> routes[stage].map { softmax(model.logits(image, stage))[it] }.toFloatArray() }
        val x = image.last()
        outputs.put("answer", listOf(model.answer(x, routes, gates)))
        outputs.put("scores", listOf(x, 2 * x, -x))
        outputs.put("router_logits", image.toList().dropLast(1))
    }

    companion object {
        fun hasRouter(rule: Map<String, Any?>) = rule["type"] != "given" || rule["otherwise"] != null

        /** The two best of some logits, in ascending order. */
        fun top(
            logits: List<Float>,
            count: Int = 2,
        ): List<Int> =
            logits.indices
                .sortedByDescending { logits[it] }
                .take(count)
                .sorted()
    }
}

/** One image's part of the tensors of a graph. */
private class Row(
    private val tensors: Map<String, Tensor>,
    private val image: Int,
) {
    fun all(name: String): FloatArray = tensors.getValue(name).floats.let { found -> FloatArray(found.limit()) { found.get(it) } }

    fun floats(name: String): FloatArray = all(name).let { it.copyOfRange(image * sizeOf(name), (image + 1) * sizeOf(name)) }

    fun put(
        name: String,
        values: List<Float>,
    ) = values.forEachIndexed { place, value -> tensors.getValue(name).floats.put(image * sizeOf(name) + place, value) }

    fun index(
        name: String,
        place: Int,
    ): Int {
        val tensor = tensors.getValue(name)
        val at = image * sizeOf(name) + place
        val bytes = native(tensor)
        return if (tensor.dtype.bytes == 8) bytes.getLong(8 * at).toInt() else bytes.getInt(4 * at)
    }

    fun state(name: String): Float {
        val tensor = tensors.getValue(name)
        return if (tensor.dtype.bytes == 2) native(tensor).getShort(2 * image) / 64f else tensor.floats.get(image)
    }

    fun putState(
        name: String,
        value: Float,
    ) {
        val tensor = tensors.getValue(name)
        if (tensor.dtype.bytes == 2) native(tensor).putShort(2 * image, (64 * value).toInt().toShort()) else tensor.floats.put(image, value)
    }

    private fun sizeOf(name: String) =
        tensors
            .getValue(name)
            .shape
            .drop(1)
            .fold(1, Int::times)

    private fun native(tensor: Tensor): ByteBuffer = tensor.data.duplicate().order(ByteOrder.nativeOrder())
}
