package io.github.mvmoe.runtime

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.LoadState
import io.github.mvmoe.Pin
import io.github.mvmoe.Residency
import io.github.mvmoe.bundle.CheckedFiles
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.GraphFiles
import io.github.mvmoe.bundle.StoredWeights
import io.github.mvmoe.bundle.brief
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import java.io.Closeable
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * The graphs of one target in memory: those that every image runs stay, those of single routes come and go.
 *
 * It owns the runner and all that the runner loads. What is loaded is what was verified: a graph whose files changed since is
 * refused, and so are weights that are bound to a graph later.
 */
internal class GraphCache(
    private val pipeline: Pipeline,
    private val runner: Runner,
    private val files: CheckedFiles,
    private val weights: StoredWeights,
) : Closeable {
    private val target = pipeline.target

    /** Whether the weights of experts are bound to graphs, instead of being in them: then all graphs stay. */
    val takesWeights: Boolean = pipeline.strategy.bindsWeights

    /** The graphs of single routes, in the order of the manifest. */
    val routed: List<Graph> = target.graphs.filter { it.route != null && !takesWeights }

    private val always: Set<String> = target.graphs.filter { it.stage == 0 || it.route == null }.mapTo(HashSet()) { it.name }
    private val byName = target.graphs.associateBy { it.name }
    private val filesByGraph = GraphFiles(target)
    private val weightsFile = target.files.filter { it.path == target.weights }
    private val boundExperts: MutableSet<Pair<Int, Int>> = ConcurrentHashMap.newKeySet()
    private val cache = ResidencyCache(target.graphs.map(::item), ::load, ::publishStates)
    private val publishing = ReentrantLock()
    private val states = MutableStateFlow(statesNow())

    /** Names of the graphs that are pinned. */
    @Volatile
    var pinned: Set<String> = emptySet()
        private set

    val loadStates: StateFlow<Map<String, LoadState>> = states.asStateFlow()

    /** Names of the graphs of single routes in memory, the least recently used first. */
    val resident: List<String> get() = cache.resident

    /**
     * Sets limits and pins, and evicts what is over them.
     *
     * @throws InputException for a pin that names no graph (`routing.unknown-route`); then nothing has changed.
     */
    @Synchronized
    fun limit(residency: Residency) {
        val names = residency.pin.flatMapTo(LinkedHashSet()) { pinned(it) }
        cache.limit(Limits(residency.maxExperts, residency.maxBytes, names))
        pinned = names
    }

    /** What runs a graph on some tensors. */
    fun site(
        graph: Graph,
        inputs: () -> Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ): CallSite = CallSite(cache, cache.entry(graph.name), inputs, outputs)

    /** As [site], of a graph that takes the weights of a route's experts. */
    fun boundSite(
        graph: Graph,
        route: Route,
        inputs: () -> Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ): CallSite = site(graph, { inputs() + weightsOf(graph, route) }, outputs)

    /** Loads a graph if it is cold, and makes beforehand what the first image of a route would wait for. */
    fun load(graph: Graph) {
        val copy = cache.acquire(cache.entry(graph.name))
        try {
            if (weights.isMapped && graph.bound.isNotEmpty()) prepareWeights(graph, copy.value)
        } finally {
            copy.release()
        }
    }

    /** Whether a graph is in memory, or fits without evicting another one. */
    fun hasRoom(graph: Graph): Boolean = cache.hasRoom(cache.entry(graph.name))

    /** Lets the system read the weights of a route's experts, which are needed soon. */
    fun advise(
        stage: Int,
        route: Route,
    ): Unit = weights.advise(stage, route)

    /** Evicts all that is not pinned. */
    fun trim(): Unit = cache.trim()

    /** Frees everything: graphs first, then what they were made of. */
    override fun close(): Unit = closeAll(listOf(Closeable(cache::clear), runner, weights, files))

    private fun item(graph: Graph) = Item(graph.name, graph.stage, graph.weightBytes, stays = graph.route == null || takesWeights)

    private fun load(name: String): ResidentGraph {
        val graph = byName.getValue(name)
        val listed = filesByGraph.of(graph)
        files.require(listed)
        val loaded =
            try {
                runner.load(graph)
            } catch (failure: EngineException) {
                files.require(listed) // Files that were replaced during the load are the reason.
                throw failure
            }
        try {
            files.require(listed)
        } catch (failure: Throwable) {
            loaded.close()
            throw failure
        }
        return ResidentGraph(loaded, if (graph.bound.isEmpty()) Int.MAX_VALUE else MOST_BINDINGS)
    }

    /** Of each expert by itself: what an engine keeps of a tensor is the same in every route and place. */
    private fun prepareWeights(
        graph: Graph,
        loaded: ResidentGraph,
    ) {
        val places = 1 + graph.bound.values.maxOf { it.place }
        val names = graph.bound.values.map { it.tensor }
        target.experts[graph.stage - 1].take(MOST_PREPARED).forEachIndexed { expert, range ->
            // An expert whose routes finish an image may have none.
            if (!range.tensors.keys.containsAll(names)) return@forEachIndexed
            loaded.prepare(weights.inputs(graph, Route.owning(IntArray(places) { expert })))
        }
    }

    /** The weights that a graph takes for a route, from the file that was verified. */
    private fun weightsOf(
        graph: Graph,
        route: Route,
    ): Map<String, Tensor> {
        val wanted = route.map { graph.stage to it }
        // Experts that were bound before lie where they were checked.
        if (boundExperts.containsAll(wanted)) return weights.inputs(graph, route)
        // What is mapped was opened when it was checked; what is not is opened and read between two looks at its path.
        if (!weights.isMapped) files.require(weightsFile)
        val found = weights.inputs(graph, route)
        files.require(weightsFile)
        boundExperts += wanted
        return found
    }

    /** The names of the graphs that a pin stands for; where weights are bound none, and they are asked for. */
    private fun pinned(pin: Pin): List<String> {
        val found = if (takesWeights) pinnedWeights(pin) else pinnedGraphs(pin)
        return found ?: throw InputException(
            ErrorCode.ROUTING_UNKNOWN_ROUTE,
            "$pin cannot be pinned: the bundle has no such route or graph${whatIsUsable(pin)}; give the experts of a route, or the " +
                "name of a routed graph",
        )
    }

    /** Of a pin with experts that some stage has dropped the experts that its routes have; nothing of other pins. */
    private fun whatIsUsable(pin: Pin): String {
        val experts = pin.route.orEmpty()
        val stages =
            pipeline.stages.filter { stage ->
                stage.rule?.let { rule -> experts.any { it in 0 until rule.experts && it !in rule.usable } } ?: false
            }
        return stages.joinToString("") { " (routes of ${it.name} have the experts ${brief(it.rule?.usable)} alone)" }
    }

    private fun pinnedWeights(pin: Pin): List<String>? {
        val route = pin.route ?: return null
        val stages = target.experts.indices.filter { route.isNotEmpty() && pipeline.rules[it].usable.containsAll(route) }
        stages.forEach { weights.advise(it + 1, route) }
        return if (stages.isEmpty()) null else emptyList()
    }

    private fun pinnedGraphs(pin: Pin): List<String>? {
        val wanted =
            pin.route
                ?.let { pipeline.strategy.serving(it) }
                .orEmpty()
                .filterNotNull()
        val found = routed.filter { it.name == pin.graph || it.route in wanted }
        val isWhole = found.isNotEmpty() && found.mapTo(HashSet()) { it.route }.containsAll(wanted)
        return if (isWhole) found.map { it.name } else null
    }

    /** The states of the graphs that come and go; where weights are bound, of those that take them. */
    private fun statesNow(): Map<String, LoadState> {
        if (!takesWeights) return cache.states - always
        return (cache.states - always).mapValues { if (it.value == LoadState.READY) LoadState.MAPPED else it.value }
    }

    /** Tells how things are. One thread at a time, so that what was newer is not overwritten. */
    private fun publishStates(): Unit = publishing.withLock { states.value = statesNow() }

    private companion object {
        /** The bindings of a graph to weights that are kept; making one takes microseconds. */
        const val MOST_BINDINGS = 256

        /** The experts of a stage whose weights are prepared; it takes microseconds each. */
        const val MOST_PREPARED = 256
    }
}
