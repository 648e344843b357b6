#!/bin/sh
# Fuzzes the decoders: `fuzz/run.sh [seconds] [target…]`, by default 60 seconds each.
#
# Needs a stable toolchain and a C++ compiler; cargo-fuzz is not needed. What is found on the way is kept in
# fuzz/corpus (not in the repository), a crash in fuzz/artifacts.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- otlp_protobuf otlp_json

host=$(rustc -vV | sed -n 's/^host: //p')
# With a target, the flags are not used for build scripts, which have no fuzzer to link with.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Clink-dead-code"
cargo build --release --locked --target "$host"
target=${CARGO_TARGET_DIR:-target}/$host/release

for name in "$@"; do
    mkdir -p "corpus/$name" "artifacts/$name"
    echo "$name: $seconds seconds"
    "$target/$name" "corpus/$name" "seeds/$name" \
        -max_total_time="$seconds" -max_len=65536 -timeout=30 -rss_limit_mb=1024 \
        -artifact_prefix="artifacts/$name/" -print_final_stats=1 -verbosity=1 2>"artifacts/$name/log" \
        || { tail -40 "artifacts/$name/log"; exit 1; }
    grep -E '^stat::number_of_executed_units|^stat::average_exec|^Done' "artifacts/$name/log"
done
