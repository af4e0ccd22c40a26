package io.github.mvmoe.demo.screens

/** The numbers by which the system says what it answers: each is used once in the app. */
object Requests {
    const val PHOTO = 1
    const val BUNDLE = 2
    const val CAMERA = 3
}
