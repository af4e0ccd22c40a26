package io.github.mvmoe.demo.experts

import io.github.mvmoe.Pin
import io.github.mvmoe.bundle.Manifest
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.routing.Route

/**
 * What can be in memory by itself: the graph of one route or, with the strategy `bind`, the weights of one expert.
 *
 * @property key what tells it from the others: the graph's name, or stage and number of the expert.
 * @property stage the name of the stage that it belongs to.
 * @property bytes of weights: what a budget in bytes counts.
 * @property ownBytes those of them that nothing else needs, which is what evicting it gives back.
 * @property pin what keeps it in memory.
 */
internal class Expert(
    val key: String,
    val stage: String,
    val route: Route,
    val bytes: Long,
    val ownBytes: Long,
    val pin: Pin,
) {
    override fun toString(): String = key
}

/** How a target's experts come into memory. */
internal enum class ExpertMemory {
    /** Graph by graph, when an image needs them. */
    LOADED,

    /** Their weights are ranges of a mapped file, whose pages the system brings in. */
    MAPPED,

    /** One graph has them all: none comes or goes. */
    TOGETHER,
}

/** How the experts of a target come into memory. */
internal fun memoryOf(target: Target): ExpertMemory =
    when {
        target.experts.isNotEmpty() -> ExpertMemory.MAPPED
        target.graphs.any { it.route != null } -> ExpertMemory.LOADED
        else -> ExpertMemory.TOGETHER
    }

/** The experts of a target that can be in memory by themselves, in the manifest's order. */
internal fun expertsOf(
    manifest: Manifest,
    target: Target,
): List<Expert> = if (memoryOf(target) == ExpertMemory.MAPPED) mappedExperts(manifest, target) else loadedExperts(manifest, target)

private fun loadedExperts(
    manifest: Manifest,
    target: Target,
): List<Expert> =
    target.graphs.mapNotNull { graph ->
        graph.route?.let { route ->
            val stage = manifest.stages[graph.stage].name
            Expert(graph.name, stage, route, graph.weightBytes, graph.exclusiveBytes, Pin.graph(graph.name))
        }
    }

/** The first stage is the stem, which has no experts. Those that no route has cannot be pinned. */
private fun mappedExperts(
    manifest: Manifest,
    target: Target,
): List<Expert> =
    target.experts.flatMapIndexed { index, experts ->
        val stage = manifest.stages[index + 1]
        stage.rule?.usable.orEmpty().map { number ->
            val bytes = experts[number].bytes
            Expert("${stage.name}/$number", stage.name, Route.of(number), bytes, bytes, Pin.expert(number))
        }
    }
