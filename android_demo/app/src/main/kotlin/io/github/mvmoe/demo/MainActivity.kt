package io.github.mvmoe.demo

import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.os.Bundle
import android.widget.FrameLayout
import io.github.mvmoe.demo.model.ModelStore
import io.github.mvmoe.demo.screens.Screen
import io.github.mvmoe.demo.screens.ScreenHost
import io.github.mvmoe.demo.screens.TABS
import io.github.mvmoe.demo.state.Retained
import io.github.mvmoe.demo.views.TabBar
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel

/** Shows one tab's screen at a time. */
class MainActivity :
    Activity(),
    ScreenHost {
    override val activity: Activity get() = this
    override val scope: CoroutineScope = MainScope()
    override val models: ModelStore get() = (application as DemoApplication).models
    override lateinit var retained: Retained
        private set

    private lateinit var frame: FrameLayout
    private lateinit var tabs: TabBar
    private var screen: Screen? = null
    private var isStarted = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        retained = lastNonConfigurationInstance as Retained? ?: Retained()
        setContentView(R.layout.activity_main)
        frame = findViewById(R.id.screen)
        tabs = findViewById(R.id.tabs)
        tabs.show(TABS.map { TabBar.Item(getString(it.title), it.icon) }) { show(it, state = null) }
        show(state?.getInt(TAB) ?: 0, state)
    }

    private fun show(
        tab: Int,
        state: Bundle?,
    ) {
        if (isStarted) screen?.stop()
        val next = TABS[tab].open(this, state)
        screen = next
        frame.removeAllViews()
        frame.addView(next.view)
        tabs.selected = tab
        if (isStarted) next.start()
    }

    override fun onStart() {
        super.onStart()
        isStarted = true
        screen?.start()
    }

    override fun onStop() {
        isStarted = false
        screen?.stop()
        super.onStop()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putInt(TAB, tabs.selected)
        screen?.save(state)
    }

    override fun onRetainNonConfigurationInstance(): Any = retained

    override fun onActivityResult(
        request: Int,
        result: Int,
        data: Intent?,
    ) {
        super.onActivityResult(request, result, data)
        screen?.onResult(request, data.takeIf { result == RESULT_OK })
    }

    override fun onRequestPermissionsResult(
        request: Int,
        permissions: Array<String>,
        results: IntArray,
    ) {
        super.onRequestPermissionsResult(request, permissions, results)
        // Empty where the question was taken back, as by a rotation: it is asked again.
        if (results.isNotEmpty()) screen?.onPermission(request, isGranted = results[0] == PackageManager.PERMISSION_GRANTED)
    }

    override fun onDestroy() {
        scope.cancel()
        if (!isChangingConfigurations) retained.close()
        super.onDestroy()
    }

    private companion object {
        const val TAB = "tab"
    }
}
