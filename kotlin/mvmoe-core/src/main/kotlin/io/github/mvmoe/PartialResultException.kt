package io.github.mvmoe

/**
 * Some images of a batch have no answer, because a graph that they need does not load or run.
 *
 * Images of the same batch whose answers are not finite are among them.
 *
 * @property answers those of the other images; null for those that have none.
 * @property failures the error of each image that has no answer, by its position.
 */
public class PartialResultException internal constructor(
    public val answers: List<Answer?>,
    public val failures: Map<Int, MvmoeException>,
) : EngineException(
        ErrorCode.ENGINE_PARTIAL_RESULT,
        "images ${failures.keys.sorted().joinToString(limit = MOST_SHOWN)} of ${answers.size} have no answer (answers has those of " +
            "the others): ${failures.values.mapNotNull { it.message }.distinct().joinToString("; ", limit = MOST_SHOWN)}",
        mapOf("images" to failures.keys.sorted()),
        failures.values.first(),
    )

private const val MOST_SHOWN = 20
