package io.github.mvmoe.demo

/**
 * It calls what Android 8 (API 26) lacks, and is called only where `Build.VERSION.SDK_INT` says that the system has it.
 *
 * The check of the build against API 26 leaves it out.
 */
@Retention(AnnotationRetention.BINARY)
@Target(AnnotationTarget.CLASS)
internal annotation class NewerAndroid
