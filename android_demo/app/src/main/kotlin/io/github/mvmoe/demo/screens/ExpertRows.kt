package io.github.mvmoe.demo.screens

import android.content.Context
import android.text.format.Formatter
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter
import android.widget.Switch
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.experts.Expert
import io.github.mvmoe.demo.experts.ExpertNames
import io.github.mvmoe.demo.experts.ExpertRow

/**
 * The rows of the list of experts.
 *
 * @param onPin is told when the user turns a switch.
 */
internal class ExpertRows(
    private val context: Context,
    private val names: ExpertNames,
    private val onPin: (Expert, Boolean) -> Unit,
) : BaseAdapter() {
    private val inflater = LayoutInflater.from(context)
    private val words = Words(context)

    var rows: List<ExpertRow> = emptyList()
        set(value) {
            field = value
            notifyDataSetChanged()
        }

    override fun getCount(): Int = rows.size

    override fun getItem(position: Int): ExpertRow = rows[position]

    override fun getItemId(position: Int): Long = position.toLong()

    /** Rows are no buttons: their switches are. */
    override fun isEnabled(position: Int): Boolean = false

    override fun areAllItemsEnabled(): Boolean = false

    override fun getView(
        position: Int,
        old: View?,
        parent: ViewGroup?,
    ): View {
        val view = old ?: inflater.inflate(R.layout.experts_row, parent, false)
        val row = rows[position]
        val name = names.nameOf(row.expert)
        view.findViewById<TextView>(R.id.expert_name).text = name
        view.findViewById<TextView>(R.id.expert_cost).text = costOf(row.expert)
        view.findViewById<TextView>(R.id.expert_state).text = stateOf(row)
        view.findViewById<Switch>(R.id.expert_pin).apply {
            // Views are used again: setting the state of another expert is no click.
            setOnCheckedChangeListener(null)
            isChecked = row.isPinned
            contentDescription = context.getString(R.string.experts_pin_description, name)
            setOnCheckedChangeListener { _, isPinned -> onPin(row.expert, isPinned) }
        }
        return view
    }

    private fun costOf(expert: Expert): String {
        val bytes = Formatter.formatShortFileSize(context, expert.bytes)
        if (expert.ownBytes == expert.bytes) return bytes
        return context.getString(R.string.expert_cost_own, bytes, Formatter.formatShortFileSize(context, expert.ownBytes))
    }

    private fun stateOf(row: ExpertRow): String {
        val state = names.stateOf(row)
        val took = row.lastLoadNs ?: return state
        return context.getString(R.string.expert_loaded, state, words.duration(took))
    }
}
