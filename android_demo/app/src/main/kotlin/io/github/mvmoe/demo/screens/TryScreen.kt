package io.github.mvmoe.demo.screens

import android.os.Bundle
import android.view.View
import android.widget.TextView
import io.github.mvmoe.demo.R
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch

/** Answers an image, and shows how. */
class TryScreen(
    private val host: ScreenHost,
    state: Bundle?,
) : Screen {
    override val view: View = View.inflate(host.activity, R.layout.screen_try, null)
    private var showing: Job? = null

    override fun start() {
        showing =
            host.scope.launch {
                host.models.state.collect { view.findViewById<TextView>(R.id.answer).text = it.error ?: it.model?.name }
            }
    }

    override fun stop() {
        showing?.cancel()
    }
}
