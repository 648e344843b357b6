#!/usr/bin/env bash
# Runs the official SDKs against the real server.
#
#   CLEARSPAN_BIN    the server (default: the release build of this checkout)
#   CLEARSPAN_VENV   where the virtual environments and the packages for Node live (default: the user's cache folder)
#   PYTHON           the interpreter that makes them (default: python3; 3.11 or newer)
#
# Arguments go to pytest: `tests/sdk/run.sh -k langsmith`. Needs PyPI and npm once; later runs find everything in place.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${CLEARSPAN_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/clearspan/sdk-venv}
python=${PYTHON:-python3}
export CLEARSPAN_BIN=${CLEARSPAN_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/clearspan}

fail() {
    echo "tests/sdk: $*" >&2
    exit 2
}

[ -x "$CLEARSPAN_BIN" ] || fail "no server at $CLEARSPAN_BIN; build it (make build) or set CLEARSPAN_BIN"
command -v npm >/dev/null || fail "no npm; on Debian: apt-get install nodejs npm"
command -v "$python" >/dev/null || fail "no $python; on Debian: apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; Python 3.11 or newer is needed (set PYTHON)"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments; on Debian: apt-get install python3-venv"

# Makes a virtual environment with exactly the packages of a file; does nothing when it has them already.
install() {
    local folder=$1 requirements=$2 stamp wanted
    stamp=$folder/.clearspan-requirements
    wanted=$("$python" --version && cat "$requirements")
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    echo "tests/sdk: installing $(grep -c == "$requirements") packages into $folder"
    "$python" -m venv --clear "$folder" || fail "cannot make a virtual environment in $folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$requirements" ||
        fail "pip could not install $requirements; is PyPI reachable?"
    printf '%s\n' "$wanted" >"$stamp"
}

# The same for the packages of Node: exactly those of the lock file in the second folder.
install_node() {
    local folder=$1 list=$2 stamp wanted
    stamp=$folder/.clearspan-lock
    wanted=$(node --version && cat "$list/package-lock.json")
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    echo "tests/sdk: installing $(grep -c '"node_modules/' "$list/package-lock.json") packages into $folder"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$list/package.json" "$list/package-lock.json" "$folder"
    # The AI SDK asks for Node 22. It runs on 20, which is all that the rest of Clearspan needs: say nothing of it.
    npm ci --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error ||
        fail "npm could not install the packages of $list; is the registry reachable?"
    printf '%s\n' "$wanted" >"$stamp"
}

install "$venv" "$here/requirements.txt"
install "$venv-openai3" "$here/requirements-openai3.txt"
install "$venv-langsmith-old" "$here/requirements-langsmith-old.txt"
install_node "$venv-js" "$here/js"
install_node "$venv-js-otel" "$here/js-otel"

export CLEARSPAN_LANGSMITH_OLD_PYTHON="$venv-langsmith-old/bin/python"
export CLEARSPAN_JS_MODULES="$venv-js/node_modules"
export CLEARSPAN_JS_OTEL_MODULES="$venv-js-otel/node_modules"
export CLEARSPAN_OPENAI3_PYTHON="$venv-openai3/bin/python"
cd "$here"
status=0
"$venv/bin/python" -m pytest -q -p no:cacheprovider "$@" || status=$?
# What LangSmith's client does for itself, once more with an older release of it.
older=0
"$CLEARSPAN_LANGSMITH_OLD_PYTHON" -m pytest -q -p no:cacheprovider "$@" \
    test_langsmith_datasets.py test_langsmith_experiments.py test_langsmith_reading.py || older=$?
# 5: the arguments chose no test of these.
[ "$status" -ne 5 ] || exit "$older"
[ "$older" -ne 5 ] || exit "$status"
exit $((status > older ? status : older))
