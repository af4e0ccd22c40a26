package org.pytorch.executorch;

public class ExecuTorchRuntime {
  ExecuTorchRuntime() {}

  public static native String[] getRegisteredBackends();
}
