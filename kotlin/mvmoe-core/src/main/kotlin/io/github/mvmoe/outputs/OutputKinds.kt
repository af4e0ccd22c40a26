package io.github.mvmoe.outputs

/** The kinds of outputs that this release knows, by their names in a manifest. */
internal object OutputKinds {
    private val known = listOf(BoxesKind, EmbeddingKind, LogitsKind, MapKind, MaskKind, TensorKind).associateBy { it.name }

    /** In alphabetic order. */
    val names: List<String> get() = known.keys.toList()

    fun find(name: String): OutputKind? = known[name]
}
