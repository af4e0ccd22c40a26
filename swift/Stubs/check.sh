#!/usr/bin/env bash
# Compiles what is written for Apple's frameworks against stubs of them, on a machine that has none.
#
#   swift/tools/with-swift exec swift/Stubs/check.sh [-o DIR] [MODULE...] [FOLDER/...]
#
# It checks all modules, or those that are named with what they need; a folder has code of an app, which sees what is public.
# Stubs and MVMoE are kept in DIR, and taken from there if they are there.
#
# The stubs (a folder a module) say by hand what Apple's documentation says: each signature names its page. So what this finds
# are misspelt names, wrong types, missing awaits and data races in our code, as far as the stubs are right. It proves nothing
# about Apple's SDK. `#if canImport(...)` sees the stubs, so that the same sources are compiled as on a Mac.
#
# With -emit-sil, since -typecheck lets data races and uses before initialisation pass.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly STUBS=swift/Stubs
readonly FLAGS=(-swift-version 6 -warnings-as-errors -parse-as-library -wmo)

out=
while getopts o: option; do
  [[ $option == o ]] || exit 2
  out=$OPTARG
done
shift $((OPTIND - 1))
if [[ -z $out ]]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi

# All Swift files below folders ($1...), one a line.
sources() {
  find "$@" -name '*.swift' | sort
}

# Compile a stub as a module, after those that it imports. A module of Apple's may get further cases, as it may with
# -enable-library-evolution.
stub() {
  local name=$1 other
  [[ ! -f $out/$name.swiftmodule ]] || return 0
  for other in $(sed -nE 's/^(@_exported )?import ([A-Za-z]+)$/\2/p' "$STUBS/$name"/*.swift | sort -u); do
    [[ $other == "$name" || ! -d $STUBS/$other ]] || stub "$other"
  done
  swiftc -swift-version 6 -suppress-warnings -parse-as-library -wmo -enable-library-evolution -I "$out" -module-name "$name" \
    -emit-module -o "$out/$name.swiftmodule" $(sources "$STUBS/$name")
}

# Compile a module ($1, with further flags in $2) of sources below folders ($3...) as far as diagnostics need it.
module() {
  local name=$1 flags=$2
  shift 2
  swiftc "${FLAGS[@]}" $flags -I "$out" -Xfrontend -import-module -Xfrontend AppleFoundation -module-name "$name" \
    -emit-sil -o "$out/$name.sil" -emit-module-path "$out/$name.swiftmodule" $(sources "$@")
  echo "$name: $(sources "$@" | wc -l) files compile"
}

# What a package's build writes for a target ($1) in C of a folder ($2).
c_module() {
  mkdir -p "$out/$1"
  echo "module $1 { umbrella \"$PWD/$2/include\" export * }" >"$out/$1/module.modulemap"
}

readonly OURS="-package-name mvmoe_deploy -I swift/Sources/CSystemCrypto"
readonly ONNX=swift/extras/MVMoEONNX/Sources

check_MVMoE() {
  [[ -f $out/MVMoE.swiftmodule ]] || module MVMoE "$OURS -enable-testing" swift/Sources/MVMoE
}

# Tests that run on a Mac alone.
check_AppleTests() {
  check_MVMoE
  local support=swift/Tests/MVMoETests/Support
  module AppleTests "$OURS" swift/Tests/MVMoETests/Apple "$support/Refusals.swift" "$support/TemporaryFolder.swift"
}

check_MVMoECoreML() {
  check_MVMoE
  module MVMoECoreML "$OURS" swift/Sources/MVMoECoreML
}

check_MVMoEExecuTorch() {
  check_MVMoE
  module MVMoEExecuTorch "-I swift/Sources/CSystemCrypto" swift/extras/MVMoEExecuTorch/Sources
}

check_MVMoEONNX() {
  check_MVMoE
  c_module COnnxRuntime "$ONNX/COnnxRuntime"
  module MVMoEONNX "-I swift/Sources/CSystemCrypto -I $out/COnnxRuntime" "$ONNX/MVMoEONNX"
}

check_MVMoEBench() {
  check_MVMoE
  c_module CProcessFacts swift/Sources/CProcessFacts
  [[ -f $out/MVMoEBench.swiftmodule ]] || module MVMoEBench "$OURS -I $out/CProcessFacts" swift/Sources/MVMoEBench
}

check_DemoLogic() {
  check_MVMoEBench
  # What a package's build writes for its resources.
  mkdir -p "$out/resources"
  printf '%s\n' 'import Foundation' 'extension Bundle { static var module: Bundle { .main } }' >"$out/resources/module.swift"
  [[ -f $out/DemoLogic.swiftmodule ]] || module DemoLogic "-I swift/Sources/CSystemCrypto -I $out/CProcessFacts" ios_demo/Logic/Sources/DemoLogic "$out/resources"
}

check_MVMoEDemo() {
  check_DemoLogic
  [[ -f $out/MVMoECoreML.swiftmodule ]] || check_MVMoECoreML
  module MVMoEDemo "-I swift/Sources/CSystemCrypto -I $out/CProcessFacts" ios_demo/App
}

# What the runner has in the place of ONNX Runtime on a Mac.
check_RunnerOnMac() {
  check_MVMoEBench
  [[ -f $out/MVMoECoreML.swiftmodule ]] || check_MVMoECoreML
  local bench=swift/Sources/mvmoe-runner/Bench
  module RunnerOnMac "$OURS -I $out/CProcessFacts" "$bench/RunnerEngines+CoreML.swift" "$bench/EngineErrors.swift"
}

# An app's code over the engines.
check_app() {
  [[ -f $out/MVMoECoreML.swiftmodule ]] || check_MVMoECoreML
  [[ -f $out/MVMoEONNX.swiftmodule ]] || check_MVMoEONNX
  module App "-I swift/Sources/CSystemCrypto -I $out/COnnxRuntime" "$1"
}

readonly ALL=(MVMoE AppleTests MVMoECoreML MVMoEExecuTorch MVMoEONNX MVMoEBench DemoLogic MVMoEDemo RunnerOnMac)

for folder in "$STUBS"/*/; do
  stub "$(basename "$folder")"
done
for name in "${@:-${ALL[@]}}"; do
  if [[ $name == */* ]]; then check_app "$name"; else "check_$name"; fi
done
