package io.github.mvmoe.demo.experts

import android.content.res.Resources
import io.github.mvmoe.LoadState
import io.github.mvmoe.demo.R
import io.github.mvmoe.routing.Route

/**
 * What people call experts and how they are.
 *
 * @param hasStages whether there are several routed stages, so that a number alone would not tell them apart.
 */
internal class ExpertNames(
    private val resources: Resources,
    private val hasStages: Boolean,
) {
    constructor(resources: Resources, experts: List<Expert>) : this(resources, experts.distinctBy { it.stage }.size > 1)

    fun nameOf(expert: Expert): String {
        val name = nameOf(expert.route)
        return if (hasStages) resources.getString(R.string.expert_of_stage, name, expert.stage) else name
    }

    fun stateOf(row: ExpertRow): String =
        resources.getString(
            when (row.state) {
                LoadState.UNLOADED -> R.string.expert_state_unloaded
                LoadState.LOADING -> R.string.expert_state_loading
                LoadState.READY -> R.string.expert_state_ready
                LoadState.FAILED -> R.string.expert_state_failed
                LoadState.MAPPED -> R.string.expert_state_mapped
            },
        )

    fun listOf(experts: List<Expert>): String = experts.joinToString { nameOf(it) }.ifEmpty { resources.getString(R.string.nothing) }

    private fun nameOf(route: Route): String =
        when (route.size) {
            0 -> resources.getString(R.string.expert_none)
            1 -> resources.getString(R.string.expert_name, numbersOf(route))
            else -> resources.getString(R.string.experts_name, numbersOf(route))
        }

    companion object {
        /** `3`, or `0+2`. */
        fun numbersOf(route: Route): String = route.joinToString("+")
    }
}
