package io.github.mvmoe.demo.bench

import android.app.Activity
import android.content.Intent
import android.os.Build
import android.os.Bundle
import android.view.WindowManager
import android.widget.TextView
import io.github.mvmoe.demo.DemoApplication
import io.github.mvmoe.demo.R
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/**
 * Follows an order of `mvmoe bench --device android`, which starts it by adb (`docs/android.md`).
 *
 * An activity, since the system gives what is on the screen its fast cores; only a shell may start it.
 */
class OrderActivity : Activity() {
    private val scope = MainScope()
    private val follower get() = (application as DemoApplication).orders

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        keepScreenOn()
        setContentView(R.layout.activity_order)
        // A phone that is turned makes a new activity for the order that is followed already.
        if (state == null) begin(intent)
        scope.launch { follower.progress.collect(::show) }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        begin(intent)
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    private fun begin(intent: Intent) {
        val name = intent.getStringExtra("name")
        val isDescription = intent.getStringExtra("describe") == "true"
        val order = intent.getStringExtra("order").takeUnless { isDescription }
        findViewById<TextView>(R.id.order_name).text = name
        if (name == null || !OrderRequest.isName(name) || (order == null && !isDescription)) {
            findViewById<TextView>(R.id.order_state).text = getString(R.string.order_unknown)
        } else {
            follower.begin(OrderRequest(name, order))
        }
    }

    private fun show(progress: OrderProgress) {
        val text =
            when (progress) {
                OrderProgress.NONE -> return
                OrderProgress.RUNNING -> R.string.order_running
                OrderProgress.DONE -> R.string.order_done
                OrderProgress.FAILED -> R.string.order_failed
                OrderProgress.REFUSED -> R.string.order_refused
            }
        findViewById<TextView>(R.id.order_state).text = getString(text)
    }

    /** A phone whose screen is off, or locked, runs on its slow cores. */
    private fun keepScreenOn() {
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O_MR1) {
            setShowWhenLocked(true)
            setTurnScreenOn(true)
        }
    }
}
