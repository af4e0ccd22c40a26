package io.github.mvmoe.demo.views

import android.content.Context
import android.util.AttributeSet
import android.widget.LinearLayout
import android.widget.TextView
import io.github.mvmoe.demo.R

/** Buttons for tabs, one of which is selected. */
class TabBar(
    context: Context,
    attributes: AttributeSet,
) : LinearLayout(context, attributes) {
    /** A tab's title, and the resource of its icon. */
    class Item(
        val title: String,
        val icon: Int,
    )

    /** The tab whose screen is shown. */
    var selected: Int = -1
        set(value) {
            field = value
            // TalkBack says "selected" of it.
            for (index in 0 until childCount) getChildAt(index).isSelected = index == value
        }

    /** @param onSelect is told of a tab other than the selected one. */
    fun show(
        items: List<Item>,
        onSelect: (Int) -> Unit,
    ) {
        removeAllViews()
        for ((index, item) in items.withIndex()) {
            inflate(context, R.layout.view_tab, this)
            val tab = getChildAt(index) as TextView
            tab.text = item.title
            tab.setCompoundDrawablesRelativeWithIntrinsicBounds(0, item.icon, 0, 0)
            tab.compoundDrawableTintList = tab.textColors
            tab.setOnClickListener { if (index != selected) onSelect(index) }
        }
    }
}
