package io.github.mvmoe

/**
 * Which experts a dispatcher keeps in memory: pinned ones, then the most recently used within limits.
 *
 * `docs/dispatcher.md`, *What is in memory*, says it exactly. With the strategy `bind` limits have no effect, since the system
 * decides which weights are in memory (`Dispatcher.notes` says so); a pin there asks it to read the weights of its experts.
 *
 * @property maxExperts the most graphs of one stage in memory; null for no limit.
 * @property maxBytes the most bytes of weights of all graphs that come and go; null for no limit.
 * @property pin what is not evicted once an image has needed it.
 * @throws InputException for a limit below 1 (`input.invalid`).
 */
public class Residency
    @JvmOverloads
    constructor(
        public val maxExperts: Int? = null,
        public val maxBytes: Long? = null,
        pin: List<Pin> = emptyList(),
    ) {
        public val pin: List<Pin> = pin.toList()

        init {
            requireLimit("maxExperts", maxExperts?.toLong())
            requireLimit("maxBytes", maxBytes)
        }

        override fun toString(): String = "Residency(maxExperts=$maxExperts, maxBytes=$maxBytes, pin=$pin)"
    }

private fun requireLimit(
    name: String,
    limit: Long?,
) {
    if (limit != null && limit < 1) {
        throw InputException(
            ErrorCode.INPUT_INVALID,
            "$name $limit was given; expected a whole number of at least 1, or null for no limit",
        )
    }
}
