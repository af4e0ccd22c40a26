package io.github.mvmoe.demo.screens

import android.content.ActivityNotFoundException
import android.content.Intent
import android.view.View
import android.widget.Button
import android.widget.Toast
import io.github.mvmoe.android.ThermalState
import io.github.mvmoe.demo.DemoApplication
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.bench.BenchChoice
import io.github.mvmoe.demo.bench.BenchOption
import io.github.mvmoe.demo.bench.BenchSnapshot
import io.github.mvmoe.demo.bench.ResultsProvider
import io.github.mvmoe.demo.model.OpenModel
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** Measures the open model's targets in the engines of this app, shows the figures as they come, and shares the results. */
internal class BenchScreen(
    private val host: ScreenHost,
) : Screen {
    private val activity = host.activity
    private val bench = (activity.application as DemoApplication).bench
    private val choice: BenchChoice = bench.choice

    override val view: View = View.inflate(activity, R.layout.screen_bench, null)

    private val choices = BenchChoiceCard(view, choice) { refresh() }
    private val figures = BenchFiguresCards(view)
    private val run = BenchRunCard(view)
    private val start = view.findViewById<Button>(R.id.bench_start)
    private val cancel = view.findViewById<Button>(R.id.bench_cancel)
    private val share = view.findViewById<Button>(R.id.bench_share)
    private var model: OpenModel? = null
    private var options: List<BenchOption> = emptyList()
    private var showing: Job? = null

    init {
        start.setOnClickListener { measure() }
        cancel.setOnClickListener { bench.model.cancel() }
        share.setOnClickListener { share() }
    }

    override fun start() {
        showing =
            host.scope.launch {
                launch { host.models.state.collectLatest { show(it.model) } }
                launch { bench.model.snapshots.collect(::show) }
                launch { ThermalState(activity).statuses.collect(run::showHeat) }
            }
    }

    override fun stop() {
        showing?.cancel()
    }

    /** Looking for engines loads their libraries. */
    private suspend fun show(opened: OpenModel?) {
        model = opened
        options =
            if (opened == null) emptyList() else withContext(Dispatchers.IO) { BenchOption.of(opened.routed.bundle, bench.engines.ways) }
        choices.show(options)
        refresh()
    }

    private fun show(now: BenchSnapshot) {
        // A screen that goes dark lets the phone sleep.
        view.keepScreenOn = now.isRunning
        run.show(now)
        figures.show(now.subjects)
        refresh()
    }

    private fun refresh() {
        val now = bench.model.snapshots.value
        start.isEnabled = !now.isRunning && model != null && chosen().isNotEmpty()
        cancel.isEnabled = now.isRunning
        share.isEnabled = now.file != null && !now.isRunning
        choices.setEnabled(!now.isRunning)
    }

    private fun chosen(): List<BenchOption> = options.filter { it.missing == null && choice.isTicked(it.key) }

    private fun measure() {
        val folder = model?.folder ?: return
        bench.model.start(folder, chosen().map { it.subject }, choice.length.settings)
    }

    private fun share() {
        val file = bench.model.snapshots.value.file ?: return
        val chooser = Intent.createChooser(ResultsProvider.share(activity, file), activity.getString(R.string.bench_share_title))
        try {
            activity.startActivity(chooser)
        } catch (_: ActivityNotFoundException) {
            Toast.makeText(activity, R.string.bench_share_none, Toast.LENGTH_LONG).show()
        }
    }
}
