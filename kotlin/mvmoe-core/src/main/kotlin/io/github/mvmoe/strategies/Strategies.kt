package io.github.mvmoe.strategies

/** The strategies that this release knows, by their names in a manifest. */
internal object Strategies {
    private val known =
        listOf(AllExpertsStrategy, BindStrategy, DispatchStrategy, ExpertsStrategy, GatherStrategy).associateBy { it.name }

    /** In alphabetic order. */
    val names: List<String> get() = known.keys.toList()

    fun find(name: String): Strategy? = known[name]
}
