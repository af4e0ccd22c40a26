#!/usr/bin/env bash
# Checks the library on the phone that adb sees: kotlin/phone.sh BUNDLE ...
#
# It needs adb and d8 (Android's SDK: platform-tools, build-tools), a JDK, Maven, and a phone with USB debugging. No application is
# installed: the phone's own app_process runs mvmoe-android's PhoneCheck in its shell, with the libraries of ONNX Runtime and, where
# Maven finds it, ExecuTorch.
set -euo pipefail
kotlin="$(cd "$(dirname "$0")" && pwd)"
work="$kotlin/target/phone"
there=/data/local/tmp/mvmoe

fail() {
  echo "$*" >&2
  exit 2
}

version() {
  sed -n "s:.*<$1.version>\(.*\)</$1.version>.*:\1:p" "$kotlin/pom.xml"
}

# GROUP:NAME:VERSION:TYPE into $work/archives; whether Maven has found it.
fetch() {
  mvn --batch-mode --quiet dependency:copy -Dartifact="$1" -DoutputDirectory="$work/archives" >"$work/maven.log" 2>&1
}

# An AAR is a zip with classes.jar and jni/ABI/*.so.
unpack() {
  local folder="$work/unpacked/$(basename "$1")"
  mkdir -p "$folder"
  unzip -qo "$1" classes.jar "jni/$abi/*" -d "$folder" || fail "$1 has no libraries for $abi"
  jars+=("$folder/classes.jar")
  cp "$folder/jni/$abi/"*.so "$work/push/lib/"
}

[ $# -gt 0 ] || fail "give one bundle or more: kotlin/phone.sh BUNDLE ..."
command -v adb >/dev/null || fail "adb is not on the PATH: it is in the platform-tools of Android's SDK"
command -v d8 >/dev/null || fail "d8 is not on the PATH: it is in a folder of the build-tools of Android's SDK"
abi="$(adb shell getprop ro.product.cpu.abi | tr -d '\r' || true)"
[ -n "$abi" ] || fail "adb sees no phone that answers: connect one, and allow USB debugging"

rm -rf "$work"
mkdir -p "$work/archives" "$work/push/lib" "$work/push/bundles"
mvn --batch-mode --quiet --file "$kotlin/pom.xml" --projects mvmoe-android --also-make test-compile \
  dependency:copy-dependencies -DincludeScope=test -DoutputDirectory="$work/jars" -Dkotlin.compiler.daemon=false \
  -DincludeArtifactIds=kotlin-stdlib,kotlinx-coroutines-core-jvm -Dmdep.overWriteSnapshots=true

jars=()
fetch "com.microsoft.onnxruntime:onnxruntime-android:$(version onnxruntime):aar" ||
  fail "Maven found no onnxruntime-android $(version onnxruntime): $(grep -m 1 ERROR "$work/maven.log")"
for artifact in org.pytorch:executorch-android:1.0.1:aar com.facebook.fbjni:fbjni:0.7.0:aar com.facebook.soloader:nativeloader:0.10.5:jar; do
  fetch "$artifact" || echo "Maven found no $artifact: the targets of ExecuTorch will fail"
done
for archive in "$work/archives/"*.aar; do
  unpack "$archive"
done
for archive in "$work/archives/"*.jar; do
  [ ! -e "$archive" ] || jars+=("$archive")
done
for module in core onnx executorch android; do
  (cd "$kotlin/mvmoe-$module/target/classes" && jar cf "$work/jars/mvmoe-$module.jar" io)
done
# Without its test, whose names no phone can load.
(cd "$kotlin/mvmoe-android/target/test-classes" &&
  find io/github/mvmoe/android/phone -name '*.class' ! -name '*Test*' >"$work/classes" && jar cf "$work/jars/phone-check.jar" "@$work/classes")

d8 --release --min-api 26 --output "$work/push/app.jar" "$work/jars/"*.jar "${jars[@]}"
for bundle in "$@"; do
  cp -rL "$bundle" "$work/push/bundles/"
done
adb shell rm -rf "$there"
adb push "$work/push" "$there" >/dev/null
bundles="$(cd "$work/push/bundles" && printf "$there/bundles/%s " *)"
# The shell's class loader looks for libraries where the linker does, and ONNX Runtime where its property says.
adb shell "mkdir -p $there/files && CLASSPATH=$there/app.jar LD_LIBRARY_PATH=$there/lib app_process \
  -Donnxruntime.native.path=$there/lib $there io.github.mvmoe.android.phone.MainKt $there/files $bundles"
