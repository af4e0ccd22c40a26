package io.github.mvmoe.demo.model

/**
 * How far the app is with a bundle.
 *
 * @property model what is answered with; null before the first one is open.
 * @property isOpening whether a bundle is copied, checked and opened.
 * @property error why the last bundle was refused, in a sentence; the [model] is then still the one before.
 */
data class ModelState(
    val model: OpenModel? = null,
    val isOpening: Boolean = false,
    val error: String? = null,
)
