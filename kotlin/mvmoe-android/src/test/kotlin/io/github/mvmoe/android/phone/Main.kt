package io.github.mvmoe.android.phone

import android.content.Context
import android.content.ContextWrapper
import android.os.Looper
import java.io.File
import kotlin.system.exitProcess

/** A context without an application, for a program that the shell of a phone starts (`app_process`). */
private class ShellContext(
    system: Context,
    private val folder: File,
) : ContextWrapper(system) {
    override fun getApplicationContext(): Context = this

    override fun getFilesDir(): File = folder
}

/** What the system has a context of: no application is started. */
@Suppress("DEPRECATION") // An application never does this, but here is none.
private fun systemContext(): Context {
    Looper.prepareMainLooper()
    val activityThread = Class.forName("android.app.ActivityThread")
    val thread = activityThread.getMethod("systemMain").invoke(null)
    return activityThread.getMethod("getSystemContext").invoke(thread) as Context
}

/** @param words a folder in which it may write, and bundles. */
fun main(words: Array<String>) {
    val folder = File(words[0])
    val check = PhoneCheck(ShellContext(systemContext(), folder), folder, ::println)
    exitProcess(if (check.run(words.drop(1).map(::File))) 0 else 1)
}
