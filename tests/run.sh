#!/usr/bin/env bash
# Runs every suite against one build, and prints the totals of all as the last line.
#
#   tests/run.sh [path of the built server]
#
# Installs what it needs: Chromium and python3-venv by apt-get (as root, where they are missing), npm and PyPI packages.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
export CLEARSPAN_BIN=${1:-${CARGO_TARGET_DIR:-$root/target}/release/clearspan}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
passed=0 failed=0 broken=""

# Runs a suite, shows its output, and remembers it under its name.
suite() {
    local name=$1
    shift
    echo
    echo "== $name"
    "$@" 2>&1 | tee "$logs/$name"
    local status=${PIPESTATUS[0]}
    if [ "$status" -ne 0 ]; then
        broken="$broken $name"
    fi
}

# Adds the numbers that stand before a word in the lines of a suite that match a pattern.
count() {
    local name=$1 lines=$2 word=$3
    grep -E "$lines" "$logs/$name" | sed 's/\x1b\[[0-9;]*m//g' | grep -oE "[0-9]+ $word" | awk '{sum += $1} END {print sum + 0}'
}

# The TAP totals of node's test runner: "# pass 12" or "ℹ pass 12".
count_node() {
    grep -E "^(#|ℹ) $2 " "$logs/$1" | awk '{sum += $3} END {print sum + 0}'
}

need_package() {
    local command=$1 package=$2
    if command -v "$command" >/dev/null; then
        return 0
    fi
    echo "installing $package"
    if [ "$(id -u)" -ne 0 ] || ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package"; }; then
        echo "tests: $command is missing; on Debian: apt-get install $package" >&2
        return 1
    fi
}

if [ ! -x "$CLEARSPAN_BIN" ]; then
    echo "tests: there is no server at $CLEARSPAN_BIN; build it first: make build" >&2
    exit 1
fi

suite rust cargo test --release --workspace --no-fail-fast
passed=$((passed + $(count rust '^test result' passed)))
failed=$((failed + $(count rust '^test result' failed)))

suite ui-unit npm --prefix ui test
passed=$((passed + $(count ui-unit 'Tests ' passed)))
failed=$((failed + $(count ui-unit 'Tests ' failed)))

if need_package chromium chromium; then
    suite browser npm --prefix ui run --silent e2e
    passed=$((passed + $(count_node browser pass)))
    failed=$((failed + $(count_node browser fail)))
else
    broken="$broken browser"
fi

if python3 -c 'import ensurepip, venv' 2>/dev/null || need_package ensurepip-for-python3 python3-venv; then
    suite sdk tests/sdk/run.sh
    passed=$((passed + $(count sdk '(passed|failed|error).* in ' passed)))
    failed=$((failed + $(count sdk '(passed|failed|error).* in ' '(failed|errors?)')))
else
    broken="$broken sdk"
fi

echo
if [ -n "$broken" ]; then
    echo "suites with failures:$broken"
    # A suite that could not run at all must not look like success.
    [ "$failed" -gt 0 ] || failed=1
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
