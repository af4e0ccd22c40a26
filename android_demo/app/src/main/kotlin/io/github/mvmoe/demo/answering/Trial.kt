package io.github.mvmoe.demo.answering

import io.github.mvmoe.MvmoeException
import io.github.mvmoe.demo.model.ModelState
import io.github.mvmoe.demo.model.OpenModel
import io.github.mvmoe.preprocessing.PixelBuffer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.runInterruptible
import kotlin.coroutines.CoroutineContext

/**
 * Answers what the user draws, picks or points the camera at: the newest image with the newest model.
 *
 * It outlives the screen. All but [frame] is called on the main thread.
 */
class Trial(
    scope: CoroutineScope,
    private val models: StateFlow<ModelState>,
    private val work: CoroutineContext = Dispatchers.IO,
    private val preview: Preview = Preview(),
) {
    private val states = MutableStateFlow(TrialState())
    private val photos = MutableStateFlow<Photo?>(null)

    /** How often the user has chosen a source: there and back again is a question, too. */
    private val choices = MutableStateFlow(0)

    /** What the screen shows. */
    val state: StateFlow<TrialState> = states.asStateFlow()

    init {
        val models = models.map { it.model }.distinctUntilChanged()
        val drawings = states.map { it.drawing }.distinctUntilChanged()
        scope.launch {
            combine(models, choices, drawings, photos) { model, _, drawing, photo -> model to subject(states.value.source, drawing, photo) }
                .collectLatest { (model, subject) -> answer(model, subject) }
        }
    }

    /** Shows another source of images. */
    fun choose(source: Source) {
        states.update { it.copy(source = source, explanation = null, error = null) }
        choices.update { it + 1 }
    }

    /** Answers a drawing; none if it is empty. */
    fun draw(drawing: Drawing): Unit = states.update { it.copy(drawing = drawing) }

    /**
     * Answers a photo.
     *
     * @param place where it is, to be remembered.
     * @param load decodes it.
     */
    fun pick(
        place: String,
        load: suspend () -> PixelBuffer,
    ) {
        states.update { it.copy(photoPlace = place) }
        photos.value = Photo(load)
    }

    /** Answers a frame of the camera, before this returns. It is called on the camera's thread. */
    fun frame(pixels: PixelBuffer) {
        val picture = preview.of(pixels)
        states.update { it.copy(frame = picture) }
        val model = models.value.model ?: return
        try {
            val explanation = Explainer(model).frame(pixels)
            states.update { if (it.source == Source.CAMERA) it.copy(explanation = explanation, error = null) else it }
        } catch (refused: MvmoeException) {
            // That of a model which was replaced meanwhile is no news.
            if (model === models.value.model) fail(Source.CAMERA, refused.message)
        }
    }

    /** Says why a source gives no image. */
    fun fail(
        source: Source,
        sentence: String?,
    ): Unit = states.update { if (it.source == source) it.copy(explanation = null, isAnswering = false, error = sentence) else it }

    private fun subject(
        source: Source,
        drawing: Drawing,
        photo: Photo?,
    ): Subject? =
        when (source) {
            Source.DRAW -> if (drawing.isEmpty) null else Drawn(drawing)
            Source.PHOTO -> photo
            Source.CAMERA -> null
        }

    private suspend fun answer(
        model: OpenModel?,
        subject: Subject?,
    ) {
        if (subject == null) {
            states.update { it.copy(isAnswering = false, explanation = if (it.source == Source.CAMERA) it.explanation else null) }
            return
        }
        states.update { it.copy(isAnswering = true, error = null) }
        try {
            val explanation = explain(model, subject)
            states.update { it.copy(isAnswering = explanation == null, explanation = explanation) }
        } catch (refused: MvmoeException) {
            states.update { it.copy(isAnswering = false, explanation = null, error = refused.message) }
        }
    }

    /** Null until there is a model; a photo is shown before. */
    private suspend fun explain(
        model: OpenModel?,
        subject: Subject,
    ): Explanation? =
        when (subject) {
            is Photo -> {
                val pixels = subject.pixels()
                val picture = runInterruptible(work) { preview.of(pixels) }
                states.update { it.copy(photo = picture) }
                model?.let { runInterruptible(work) { Explainer(it).still(pixels) } }
            }

            is Drawn -> {
                model?.let { runInterruptible(work) { drawn(it, subject.drawing) } }
            }
        }

    private fun drawn(
        model: OpenModel,
        drawing: Drawing,
    ): Explanation {
        val input = model.routed.bundle.manifest.input
        val grey = DrawnImage(input.width, input.height).grey(drawing)
        states.update { it.copy(drawnImage = GreyImage(input.width, input.height, grey)) }
        return Explainer(model).still(PixelBuffer.grey(grey, input.width, input.height))
    }
}

/** What is answered when it, or the model, changes. */
private sealed interface Subject

private class Drawn(
    val drawing: Drawing,
) : Subject

/** A photo, which is decoded once. */
private class Photo(
    private val load: suspend () -> PixelBuffer,
) : Subject {
    private var decoded: PixelBuffer? = null

    suspend fun pixels(): PixelBuffer = decoded ?: load().also { decoded = it }
}
