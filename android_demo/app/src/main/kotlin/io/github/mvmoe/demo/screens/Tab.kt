package io.github.mvmoe.demo.screens

import android.os.Bundle
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.screens.trying.TryScreen

/**
 * One of the activity's tabs.
 *
 * @property open makes its screen, with what [Screen.save] had written where the process was restarted, else null.
 */
class Tab(
    val title: Int,
    val icon: Int,
    val open: (ScreenHost, Bundle?) -> Screen,
)

/** The tabs from left to right. */
val TABS: List<Tab> =
    listOf(
        Tab(R.string.tab_try, R.drawable.ic_try, ::TryScreen),
        Tab(R.string.tab_experts, R.drawable.ic_experts, { host, _ -> ExpertsScreen(host) }),
        Tab(R.string.tab_bench, R.drawable.ic_bench, { host, _ -> BenchScreen(host) }),
    )
