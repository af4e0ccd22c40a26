package io.github.mvmoe.demo.screens.trying

import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.drawable.BitmapDrawable
import android.view.View
import android.widget.Button
import android.widget.ImageView
import android.widget.RadioGroup
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.Drawing
import io.github.mvmoe.demo.answering.GreyImage
import io.github.mvmoe.demo.answering.Source
import io.github.mvmoe.demo.answering.Trial
import io.github.mvmoe.demo.answering.TrialState
import io.github.mvmoe.demo.screens.showIf
import io.github.mvmoe.demo.screens.showSentence
import io.github.mvmoe.demo.views.DrawingView
import io.github.mvmoe.demo.views.PictureView

/** The image that is answered, and where it comes from. */
internal class ImagePanel(
    view: View,
    private val trial: Trial,
    private val pickPhoto: () -> Unit,
    private val allowCamera: () -> Unit,
) {
    private val context = view.context
    private val sources = view.findViewById<RadioGroup>(R.id.sources)
    private val canvas = view.findViewById<DrawingView>(R.id.canvas)
    private val picture = view.findViewById<PictureView>(R.id.picture)
    private val action = view.findViewById<Button>(R.id.action)
    private val modelSees = view.findViewById<TextView>(R.id.model_sees)
    private val modelInput = view.findViewById<ImageView>(R.id.model_input)
    private val error = view.findViewById<TextView>(R.id.error)
    private var shownInput: GreyImage? = null

    init {
        // The state says which is checked, not the views' own memory.
        sources.isSaveFromParentEnabled = false
        sources.check(buttonOf(trial.state.value.source))
        sources.setOnCheckedChangeListener { _, button -> trial.choose(SOURCES.getValue(button)) }
        canvas.onDraw = trial::draw
    }

    fun show(state: TrialState) {
        canvas.showIf(state.source == Source.DRAW)
        if (canvas.drawing != state.drawing) canvas.drawing = state.drawing
        picture.showIf(state.source != Source.DRAW)
        showPicture(state)
        showAction(state)
        showInput(state.drawnImage.takeIf { state.source == Source.DRAW && !state.drawing.isEmpty })
        error.showSentence(state.error)
    }

    private fun showPicture(state: TrialState) {
        val shown = if (state.source == Source.CAMERA) state.frame else state.photo
        picture.show(shown, state.explanation?.marks)
        picture.contentDescription =
            context.getString(
                when {
                    state.source == Source.CAMERA -> R.string.camera_description
                    shown == null -> R.string.photo_none
                    else -> R.string.photo_description
                },
            )
    }

    private fun showAction(state: TrialState) {
        when (state.source) {
            Source.DRAW -> act(R.string.clear) { trial.draw(Drawing()) }
            Source.PHOTO -> act(R.string.photo_pick, pickPhoto)
            Source.CAMERA -> act(R.string.camera_allow, allowCamera)
        }
        action.showIf(state.source != Source.CAMERA || state.error != null)
        action.isEnabled = state.source != Source.DRAW || !state.drawing.isEmpty
    }

    private fun act(
        text: Int,
        block: () -> Unit,
    ) {
        action.setText(text)
        action.setOnClickListener { block() }
    }

    /** The few pixels that a drawing becomes, each as a square. */
    private fun showInput(image: GreyImage?) {
        modelSees.showIf(image != null)
        modelInput.showIf(image != null)
        if (image == null || image === shownInput) return
        shownInput = image
        modelSees.text = context.getString(R.string.model_sees, image.width, image.height)
        val argb = IntArray(image.levels.size) { (image.levels[it].toInt() and LEVELS).let { level -> Color.rgb(level, level, level) } }
        val bitmap = Bitmap.createBitmap(argb, image.width, image.height, Bitmap.Config.ARGB_8888)
        modelInput.setImageDrawable(BitmapDrawable(context.resources, bitmap).apply { isFilterBitmap = false })
    }

    private fun buttonOf(source: Source): Int = SOURCES.entries.first { it.value == source }.key

    private companion object {
        const val LEVELS = 0xFF
        val SOURCES =
            mapOf(R.id.source_draw to Source.DRAW, R.id.source_photo to Source.PHOTO, R.id.source_camera to Source.CAMERA)
    }
}
