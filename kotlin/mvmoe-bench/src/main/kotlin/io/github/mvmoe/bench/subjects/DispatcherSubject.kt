package io.github.mvmoe.bench.subjects

import io.github.mvmoe.Answer
import io.github.mvmoe.Residency
import io.github.mvmoe.bench.EngineChoice
import io.github.mvmoe.bench.Engines
import io.github.mvmoe.bench.Images
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.Routes
import io.github.mvmoe.bench.Stopwatch
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.CallersRule
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule
import io.github.mvmoe.routing.Selection
import io.github.mvmoe.routing.Selector
import io.github.mvmoe.runtime.DispatcherCore
import io.github.mvmoe.runtime.Laps
import io.github.mvmoe.runtime.Part
import java.io.File
import java.nio.FloatBuffer

/** The product: a dispatcher, its experts loaded as images need them. */
internal class DispatcherSubject private constructor(
    private val core: DispatcherCore,
    private val images: Images,
) : Subject {
    private val pipeline = core.pipeline
    private val tensors = HashMap<Int, Tensor>()

    override val actual = EngineChoice(core.engine, core.provider)

    /** As an application asks; only a trace can impose a route. */
    override fun answer(query: Query): Outputs =
        if (query.forced) trace(query).outputs else valuesOf(core.run(image(query.image), query.choices).single())

    /** With the time of each part; imposes the route if the query does. */
    override fun trace(query: Query): Traced = trace(image(query.image), query.routes.takeIf { query.forced }, query.choices)

    override fun prewarm(): Unit = core.prewarm()

    /** Every route's graph, the first time and the second: imposed, one stage after another. */
    override fun loads(): Sequence<Loaded> =
        sequence {
            for (graph in core.target.graphs) {
                val route = graph.route
                if (route == null || graph.name in core.resident) continue
                val rule = pipeline.rules[graph.stage - 1]
                // The first route that the graph serves.
                val taken = rule.routes().first { !pipeline.isFinished(graph.stage, it) && graph in pipeline.serving(graph.stage, it) }
                val routes = firstRoutes().toMutableList().also { it[graph.stage - 1] = taken }
                yieldAll(loadedBy(routes))
            }
        }

    override fun close(): Unit = core.close()

    private fun trace(
        image: Tensor,
        imposed: Routes?,
        choices: Map<String, String>,
    ): Traced {
        val resident = core.resident.toSet()
        return core.trace(image, { laps -> selectors(imposed, choices, laps) }) { answer, laps ->
            val stages = core.bundle.manifest.rules.size
            // First of all: the answer is there, and what is asked about it is nobody's cost.
            val parts = PartsByStage(laps, stages)
            val reached = answer.routes
            val ran = if (pipeline.innerRouting == null) reached.indices.map { ranAt(it + 1, reached[it]) } else emptyList()
            Traced(
                valuesOf(answer),
                List(stages) { reached.getOrElse(it) { emptyList() } },
                List(stages) { stage -> ran.getOrElse(stage) { emptyList() }.any { it.route != null && it.name !in resident } },
                parts.laps(),
            )
        }
    }

    private fun selectors(
        imposed: Routes?,
        choices: Map<String, String>,
        laps: Laps,
    ): List<Selector> {
        if (imposed == null) return core.selectors(choices)
        check(pipeline.innerRouting == null) { "routes of routers inside of a graph cannot be imposed by this program" }
        return pipeline.rules.zip(imposed) { rule, route -> selector(rule, Route.of(*route.toIntArray()), laps) }
    }

    /** The graphs that an image with these routes brings into memory. */
    private fun loadedBy(routes: List<Route>): List<Loaded> {
        val resident = core.resident.toSet()
        val cold = graphTimes(routes)
        val warm = graphTimes(routes)
        return routes.indices.flatMap { index ->
            ranAt(index + 1, routes[index]).mapIndexedNotNull { place, graph ->
                if (graph.route == null || graph.name in resident) return@mapIndexedNotNull null
                val (load, first) = cold[index][place]
                Loaded(graph.name, graph.stage, graph.route, load, first, warm[index][place].second)
            }
        }
    }

    /** By routed stage, for each graph that ran: the time to have it in memory, and that it took. */
    private fun graphTimes(routes: List<Route>): List<List<Pair<Long, Long>>> =
        core.trace(image(0), { laps -> selectors(routes, emptyMap(), laps) }) { _, laps -> PartsByStage(laps, routes.size).graphs }

    private fun firstRoutes() = pipeline.rules.mapIndexed { index, rule -> rule.routes().first { !pipeline.isFinished(index + 1, it) } }

    private fun ranAt(
        stage: Int,
        route: Route,
    ): List<Graph> = if (pipeline.isFinished(stage, route)) emptyList() else pipeline.serving(stage, route)

    private fun image(number: Int): Tensor = tensors.getOrPut(number) { tensorOf(images, number) }

    companion object {
        /** A dispatcher over the bundle. Its manifest and hashes are checked within one call, so they have no times of their own. */
        fun open(
            order: SubjectOrder,
            images: Images,
            engines: Engines,
            watch: Stopwatch,
        ): DispatcherSubject {
            val residency = Residency(maxExperts = order.budget)
            // A link may be turned later; what graphs are loaded from may not.
            val bundle = Bundle.open(File(order.root).canonicalFile, order.manifestSha256)
            val target = bundle.target(checkNotNull(order.target))
            val core = DispatcherCore.open(bundle, target, engines.of(order, target), residency)
            watch.lap("open")
            return DispatcherSubject(core, images)
        }

        private fun valuesOf(answer: Answer): Outputs = answer.outputs.mapValues { it.value.values }

        /** What takes a route at one stage: its caller's choice, or imposed on its router. */
        private fun selector(
            rule: Rule,
            route: Route,
            laps: Laps,
        ): Selector {
            val chosen = (rule as? CallersRule)?.named?.entries?.find { it.value == route }
            return if (rule is CallersRule && chosen != null) rule.chosen(chosen.key) else Imposed(rule, route, laps)
        }
    }

    /** Selects one route, whatever the rule selects; both are timed. */
    private class Imposed(
        private val rule: Rule,
        private val route: Route,
        private val laps: Laps,
    ) : Selector {
        override fun select(logits: FloatBuffer): Selection {
            rule.select(logits)
            laps.end(Part.SELECT)
            val selection = Selection(route, rule.gates(route, logits))
            laps.end(Part.IMPOSE)
            return selection
        }
    }
}
