package io.github.mvmoe.runtime

import io.github.mvmoe.Answer
import io.github.mvmoe.EngineException
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.PartialResultException
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.IMAGE
import io.github.mvmoe.bundle.ROUTER_LOGITS
import io.github.mvmoe.bundle.Stage
import io.github.mvmoe.outputs.Output
import io.github.mvmoe.outputs.areFinite
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Selection
import io.github.mvmoe.routing.Selector
import io.github.mvmoe.strategies.slotInput
import java.nio.FloatBuffer

/**
 * Many images at once: stage by stage, the images of each stage grouped by the graph that they need.
 *
 * An expert that has to be loaded is loaded once for the whole batch, however the routes are mixed.
 *
 * @param selectors what selects the routes, one for each routed stage.
 */
internal class Batch(
    private val pipeline: Pipeline,
    private val graphs: GraphCache,
    private val answers: AnswerMaker,
    private val buffers: InferenceBuffers,
    private val selectors: List<Selector>,
    private val images: ImageRows,
    private val count: Int,
) {
    private class Group(
        val graph: Graph,
        val site: CallSite,
    ) {
        val images = ArrayList<Int>()
    }

    private val given = HashMap<String, GivenRows>()
    private val ways = List(count) { ImageWay() }

    /**
     * The answers, one for each image.
     *
     * @throws io.github.mvmoe.RoutingException for router logits or answers that are not finite.
     * @throws PartialResultException with the other images' answers where some need a graph that does not load or run.
     */
    fun run(): List<Answer> {
        runStage(0, pipeline.stages[0])
        for (stage in 1..selectors.size) {
            select(stage)
            runStage(stage, pipeline.stages[stage])
        }
        return answers()
    }

    private fun select(stage: Int) {
        val router = pipeline.stages[stage].router?.let { given.getValue(it) }
        for ((image, way) in ways.withIndex()) {
            if (!way.goesOn) continue
            val logits = router?.floats(image) ?: buffers.firstLogits[stage - 1]
            way.selections += selectors[stage - 1].select(logits)
            way.logits += logits
            way.isFinished = pipeline.isFinished(stage, way.route)
        }
    }

    private fun runStage(
        index: Int,
        stage: Stage,
    ) {
        val inputs = HashMap<String, Rows>()
        for ((name, tensor) in stage.takes) inputs[name] = rowsOf(tensor)
        if (index > 0) inputs += runExperts(index, inputs)
        val outputs = pipeline.stages[index].gives.mapValues { GivenRows(count) }
        for (group in groups(index)) {
            run(group, inputs) { image, position ->
                for ((name, rows) in outputs) rows.take(image, buffers.outputs[index].getValue(name), position)
                ways[image].last = index
            }
        }
        for ((name, tensor) in stage.gives) given[tensor] = outputs.getValue(name)
    }

    private fun rowsOf(tensor: String): Rows = if (tensor == IMAGE) images else given.getValue(tensor)

    /** Runs the graphs of experts, each once for all images that need it; gives what the slots of the joining graph take. */
    private fun runExperts(
        stage: Int,
        inputs: Map<String, Rows>,
    ): Map<String, Rows> {
        val groups = LinkedHashMap<Graph, Group>()
        for ((image, way) in ways.withIndex()) {
            if (!way.goesOn) continue
            for (graph in pipeline.serving(stage, way.route).dropLast(1)) {
                groups.getOrPut(graph) { Group(graph, buffers.site(graph, 0)) }.images += image
            }
        }
        val filled = HashMap<String, GivenRows>()
        for (group in residentFirst(groups.values)) {
            val outputs = buffers.outputs(group.graph, 0)
            run(group, inputs) { image, position ->
                val slot = pipeline.serving(stage, ways[image].route).indexOf(group.graph)
                for ((name, tensor) in outputs) {
                    filled.getOrPut(slotInput(slot, name)) { GivenRows(count) }.take(image, tensor, position)
                }
            }
        }
        return filled
    }

    /** The images that go on, by the graph that they need and, where it is bound to weights, by route. */
    private fun groups(stage: Int): List<Group> {
        if (stage == 0) return listOf(Group(pipeline.graphOfAll(0), buffers.stem(null)).also { it.images += ways.indices })
        val groups = LinkedHashMap<Pair<Graph, Route?>, Group>()
        for ((image, way) in ways.withIndex()) {
            if (!way.goesOn) continue
            val graph = pipeline.serving(stage, way.route).last()
            val key = graph to (if (graph.bound.isEmpty()) null else way.route)
            groups.getOrPut(key) { Group(graph, checkNotNull(buffers.step(stage, way.route).last)) }.images += image
        }
        return residentFirst(groups.values)
    }

    private fun residentFirst(groups: Collection<Group>): List<Group> {
        val resident = graphs.resident.toHashSet()
        return groups.sortedBy { it.graph.name !in resident }
    }

    /** Runs a group's graph on its images, as many at a time as it takes; they have failed if it does not load or run. */
    private fun run(
        group: Group,
        inputs: Map<String, Rows>,
        take: (image: Int, position: Int) -> Unit,
    ) {
        try {
            group.site.use { bound ->
                for (part in group.images.chunked(pipeline.target.batch)) {
                    part.forEachIndexed { position, image -> fill(group.graph, inputs, image, position) }
                    bound.run()
                    part.forEachIndexed { position, image -> take(image, position) }
                }
            }
        } catch (failure: EngineException) {
            for (image in group.images) ways[image].failure = failure
        }
    }

    private fun fill(
        graph: Graph,
        inputs: Map<String, Rows>,
        image: Int,
        position: Int,
    ) {
        val tensors = buffers.inputs(graph)
        for ((name, tensor) in tensors) inputs[name]?.write(image, tensor, position)
        if (graph.stage == 0 || pipeline.isJoined(graph)) return
        val selection = ways[image].selections.last()
        pipeline.strategy.write(tensors, position, selection.route, selection.gates)
    }

    private fun answers(): List<Answer> {
        val failures = ways.indices.mapNotNull { image -> ways[image].failure?.let { image to it } }.toMap<Int, MvmoeException>()
        val found = ways.indices.map { image -> if (image in failures) null else outputsOf(image) }
        val notFinite = found.indices.filter { image -> found[image]?.values?.all { areFinite(it.values) } == false }
        if (failures.isEmpty() && notFinite.isNotEmpty()) {
            throw answers.notFinite(" for the images ${notFinite.take(MOST_SHOWN)} of the batch", notFinite[0])
        }
        val all = failures + notFinite.associateWith { answers.notFinite(" for image $it of the batch", it) }
        val answered = found.mapIndexed { image, outputs -> if (outputs == null || image in all) null else answer(image, outputs) }
        if (all.isNotEmpty()) throw PartialResultException(answered, all)
        return answered.filterNotNull()
    }

    private fun outputsOf(image: Int): Map<String, Output> {
        val outputs = LinkedHashMap<String, Output>()
        for (result in buffers.results[ways[image].last]) {
            val values = copyOf(given.getValue(result.tensorName).floats(image))
            outputs[result.spec.name] = answers.output(result.spec, result.shape, values, null)
        }
        return outputs
    }

    private fun answer(
        image: Int,
        outputs: Map<String, Output>,
    ): Answer {
        val way = ways[image]
        val innerLogits = if (pipeline.innerRouting == null) null else given.getValue(ROUTER_LOGITS).floats(image)
        return Answer(answers.parts(outputs, way.last, way.selections, way.logits, innerLogits))
    }

    private companion object {
        const val MOST_SHOWN = 20
    }
}

/** How far an image of a batch is on its way. */
private class ImageWay {
    val selections = ArrayList<Selection>()
    val logits = ArrayList<FloatBuffer>()

    /** The stage that it has run last. */
    var last = 0

    /** Whether its route was one that finishes images. */
    var isFinished = false

    /** Why it has no answer. */
    var failure: EngineException? = null

    val goesOn: Boolean get() = failure == null && !isFinished

    /** Its route at the stage that selected last. */
    val route: Route get() = selections.last().route
}
