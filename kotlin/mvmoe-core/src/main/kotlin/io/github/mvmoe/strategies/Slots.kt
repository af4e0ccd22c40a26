package io.github.mvmoe.strategies

private val SLOT = Regex("slot([0-9]+)_.+", RegexOption.DOT_MATCHES_ALL)

/** The input of a joining graph that takes [output] of the expert in a slot of the route: `slot0_output`. */
internal fun slotInput(
    slot: Int,
    output: String,
): String = "slot${slot}_$output"

/**
 * The slot whose expert gives an input of a joining graph; null for every other input.
 *
 * A number that no `Int` holds is the largest: it is beyond every route.
 */
internal fun slotOf(name: String): Int? = SLOT.matchEntire(name)?.let { it.groupValues[1].toIntOrNull() ?: Int.MAX_VALUE }
