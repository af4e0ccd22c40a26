package io.github.mvmoe.demo.screens

import android.view.View
import android.widget.FrameLayout
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.experts.ExpertsModel
import io.github.mvmoe.demo.model.OpenModel
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.distinctUntilChangedBy
import kotlinx.coroutines.launch

/** Which experts of the open model are in memory, what they cost, and what keeps them there. */
internal class ExpertsScreen(
    private val host: ScreenHost,
) : Screen {
    private val frame = FrameLayout(host.activity)
    private var showing: Job? = null

    override val view: View get() = frame

    override fun start() {
        showing =
            host.scope.launch {
                host.models.state.distinctUntilChangedBy { it.model to it.error }.collectLatest { now ->
                    val model = now.model
                    if (model == null) showNothing(now.error) else show(model)
                }
            }
    }

    override fun stop() {
        showing?.cancel()
    }

    private fun showNothing(error: String?) {
        frame.removeAllViews()
        View.inflate(host.activity, R.layout.screen_nothing, frame)
        frame.findViewById<TextView>(R.id.nothing_text).text = error ?: host.activity.getString(R.string.no_model_yet)
    }

    /** Shows a model until another one is open. */
    private suspend fun show(model: OpenModel) {
        frame.removeAllViews()
        val list = ExpertsList(frame, model.experts)
        model.experts.snapshots.collect(list::show)
    }
}
