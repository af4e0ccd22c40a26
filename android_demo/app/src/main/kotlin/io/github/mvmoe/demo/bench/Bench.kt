package io.github.mvmoe.demo.bench

import android.app.Activity
import android.app.Application
import android.os.Bundle
import io.github.mvmoe.demo.R
import kotlinx.coroutines.CoroutineScope

/** What this process measures with, and what the user has chosen of it. */
internal class Bench(
    application: Application,
    scope: CoroutineScope,
) {
    val engines = AndroidEngines()
    val choice = BenchChoice()
    val model =
        BenchModel(
            AndroidMachine(application),
            engines,
            { describePhone(application, engines) },
            ResultsFolder(ResultsProvider.folder(application)),
            scope,
            { seconds -> application.getString(R.string.bench_was_in_background, seconds) },
        )

    init {
        application.registerActivityLifecycleCallbacks(Visibility(model))
    }

    private class Visibility(
        private val model: BenchModel,
    ) : Application.ActivityLifecycleCallbacks {
        private var visible = 0

        override fun onActivityStarted(activity: Activity) {
            visible += 1
            if (visible == 1) model.comeBack()
        }

        override fun onActivityStopped(activity: Activity) {
            visible = maxOf(0, visible - 1)
            if (visible == 0) model.leave()
        }

        override fun onActivityCreated(
            activity: Activity,
            state: Bundle?,
        ) = Unit

        override fun onActivityResumed(activity: Activity) = Unit

        override fun onActivityPaused(activity: Activity) = Unit

        override fun onActivitySaveInstanceState(
            activity: Activity,
            state: Bundle,
        ) = Unit

        override fun onActivityDestroyed(activity: Activity) = Unit
    }
}
