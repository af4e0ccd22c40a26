package androidx.test.internal.runner.lifecycle

import android.app.Application
import androidx.test.runner.lifecycle.ApplicationLifecycleMonitor
import androidx.test.runner.lifecycle.ApplicationStage

class ApplicationLifecycleMonitorImpl : ApplicationLifecycleMonitor {
    fun signalLifecycleChange(
        application: Application,
        stage: ApplicationStage,
    ): Unit = Unit
}
