package io.github.mvmoe.json

/** Where a value is in a manifest: `$.stages[1].rule.k`; written out only when an error needs it. */
internal class JsonPath private constructor(
    private val above: JsonPath?,
    private val name: String,
    private val index: Int,
) {
    /** The place of what is called [root]. */
    constructor(root: String) : this(null, root, -1)

    fun member(name: String): JsonPath = JsonPath(this, name, -1)

    fun item(index: Int): JsonPath = JsonPath(this, "", index)

    override fun toString(): String =
        when {
            above == null -> name
            index >= 0 -> "$above[$index]"
            else -> "$above.${shortened(name)}"
        }
}
