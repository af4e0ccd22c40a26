package io.github.mvmoe.demo.screens.trying

import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import io.github.mvmoe.android.Pictures
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.Drawing
import io.github.mvmoe.demo.answering.Source
import io.github.mvmoe.demo.answering.Trial
import io.github.mvmoe.demo.screens.Requests
import io.github.mvmoe.demo.screens.Screen
import io.github.mvmoe.demo.screens.ScreenHost
import io.github.mvmoe.demo.screens.model.ModelPanel
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch

/** Answers a drawing, a photo or what the camera sees, and shows which expert did, why, and where the time went. */
class TryScreen(
    private val host: ScreenHost,
    state: Bundle?,
) : Screen {
    private val context = host.activity
    private val pictures = Pictures(context, maxPixels = MOST_PIXELS)
    private val trial = host.retained.get { scope -> Trial(scope, host.models.state).also { restore(it, state) } }
    override val view: View = View.inflate(context, R.layout.screen_try, null)
    private val model = ModelPanel(host, view)
    private val image = ImagePanel(view, trial, ::pickPhoto, ::allowCamera)
    private val answer = AnswerPanel(view)
    private val decisions = DecisionsPanel(view)
    private val times = TimesPanel(view)
    private val comparison = ComparisonPanel(view)
    private val outputs = OutputsPanel(view)
    private val camera = CameraSource(host, trial)
    private var showing: Job? = null

    override fun start() {
        showing =
            host.scope.launch {
                launch { host.models.state.collect(model::show) }
                trial.state.collect { state ->
                    image.show(state)
                    answer.show(state)
                    val explanation = state.explanation
                    view.findViewById<View>(R.id.details).visibility = if (explanation == null) View.GONE else View.VISIBLE
                    if (explanation != null) {
                        decisions.show(explanation.stages)
                        times.show(explanation)
                        comparison.show(explanation, state.source, host.models.state.value.model)
                        outputs.show(explanation.others)
                    }
                    camera.use(state.source == Source.CAMERA)
                }
            }
    }

    override fun stop() {
        showing?.cancel()
        camera.use(false)
    }

    override fun save(state: Bundle) {
        val shown = trial.state.value
        state.putString(SOURCE, shown.source.name)
        state.putFloatArray(DRAWING, shown.drawing.toFloats())
        state.putString(PHOTO, shown.photoPlace)
    }

    /** Of a process that the system has ended. */
    private fun restore(
        trial: Trial,
        state: Bundle?,
    ) {
        val source = state?.getString(SOURCE) ?: return
        trial.choose(Source.valueOf(source))
        trial.draw(Drawing.of(state.getFloatArray(DRAWING) ?: FloatArray(0)))
        state.getString(PHOTO)?.let { show(trial, Uri.parse(it)) }
    }

    private fun pickPhoto() {
        if (!PhotoPicker.open(context, Requests.PHOTO)) trial.fail(Source.PHOTO, context.getString(R.string.no_picker))
    }

    private fun allowCamera(): Unit = camera.ask()

    override fun onResult(
        request: Int,
        data: Intent?,
    ) {
        val picked = data?.data ?: return
        when (request) {
            Requests.PHOTO -> show(trial, picked)
            Requests.BUNDLE -> host.models.openPicked(picked)
        }
    }

    private fun show(
        trial: Trial,
        photo: Uri,
    ): Unit = trial.pick(photo.toString()) { pictures.decodeAsync(photo) }

    override fun onPermission(
        request: Int,
        isGranted: Boolean,
    ) {
        if (request == Requests.CAMERA) camera.onPermission(isGranted)
    }

    private companion object {
        const val SOURCE = "try.source"
        const val DRAWING = "try.drawing"
        const val PHOTO = "try.photo"

        /** A photo stays in memory while it is shown: 4 million pixels are 16 MB. */
        const val MOST_PIXELS = 4_000_000
    }
}
