package io.github.mvmoe.demo.screens

import android.content.res.Resources
import io.github.mvmoe.demo.R

private const val NS_IN_MS = 1e6

/** Nanoseconds as people read them: `3.20 ms`. */
internal fun Resources.milliseconds(ns: Long): String = getString(R.string.milliseconds, ns / NS_IN_MS)
