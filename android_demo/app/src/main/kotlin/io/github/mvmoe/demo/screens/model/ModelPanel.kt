package io.github.mvmoe.demo.screens.model

import android.view.Menu
import android.view.View
import android.widget.Button
import android.widget.PopupMenu
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.model.ModelState
import io.github.mvmoe.demo.screens.ScreenHost
import io.github.mvmoe.demo.screens.showIf
import io.github.mvmoe.demo.screens.showSentence

/** Says which bundle is open, and lets the user open another one. */
class ModelPanel(
    private val host: ScreenHost,
    view: View,
) {
    private val context = host.activity
    private val name = view.findViewById<TextView>(R.id.model_name)
    private val engine = view.findViewById<TextView>(R.id.model_engine)
    private val opening = view.findViewById<View>(R.id.opening)
    private val error = view.findViewById<TextView>(R.id.model_error)
    private val button = view.findViewById<Button>(R.id.bundle)

    init {
        button.setOnClickListener { choose() }
    }

    fun show(state: ModelState) {
        val model = state.model
        name.text = model?.name ?: context.getString(R.string.app_name)
        engine.text =
            when {
                model != null -> context.getString(R.string.model_subtitle, model.routed.target.name, model.routed.engine)
                state.isOpening -> context.getString(R.string.opening)
                else -> context.getString(R.string.no_model)
            }
        opening.showIf(state.isOpening)
        error.showSentence(state.error)
    }

    private fun choose() {
        val menu = PopupMenu(context, button)
        for (title in listOf(R.string.bundle_pick, R.string.bundle_own)) menu.menu.add(Menu.NONE, title, Menu.NONE, title)
        menu.setOnMenuItemClickListener {
            if (it.itemId == R.string.bundle_pick) pick() else host.models.openOwn()
            true
        }
        menu.show()
    }

    private fun pick() {
        if (!BundlePicker.open(context)) error.showSentence(context.getString(R.string.no_picker))
    }
}
