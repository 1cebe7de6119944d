#!/bin/sh
# What `make run` and `make test` need on a bare Debian or Ubuntu: system packages, virtual environment, libraries.
# Usage: setup.sh run|test
set -eu

purpose="$1"
python="${PYTHON:-python3}"
packages=""
need() { # command package…: install the packages if the command is not there
    command -v "$1" >/dev/null 2>&1 && return 0
    shift
    packages="$packages $*"
}

need "$python" python3
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    command -v "$python" >/dev/null 2>&1 && { echo "Dealwright needs Python 3.11 or newer." >&2; exit 1; }
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv"
# What WeasyPrint draws papers with.
ldconfig -p 2>/dev/null | grep -q libpangoft2 || packages="$packages libpango-1.0-0 libpangoft2-1.0-0"
ldconfig -p 2>/dev/null | grep -q libharfbuzz-subset || packages="$packages libharfbuzz-subset0"
if [ "$purpose" = test ]; then
    need chromium chromium
    # Versioned server binaries are not on the PATH.
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages="$packages postgresql"
    need redis-server redis-server
fi

# What papers write names with: without a font for its letters no paper is made.
fonts=""
can_write() { # language…
    for language in "$@"; do
        [ -n "$(fc-list ":lang=$language" 2>/dev/null | head -n 1)" ] || return 1
    done
}
can_write pl vi ru el ar he th || fonts="$fonts fonts-noto-core"
can_write zh-cn ja ko || fonts="$fonts fonts-noto-cjk"

if [ -n "$packages$fonts" ]; then
    if [ "$(id -u)" = 0 ]; then
        sudo=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo="sudo"
    elif [ -n "$packages" ]; then
        echo "Please install these system packages, then run the command again:" >&2
        echo "    apt-get install$packages$fonts" >&2
        exit 1
    else
        echo "Papers cannot write the names of all customers yet; these packages help: apt-get install$fonts" >&2
        fonts=""
    fi
fi
packages="$packages$fonts"
if [ -n "$packages" ]; then
    echo "Installing system packages:$packages"
    $sudo apt-get update -q >/dev/null
    # Services are started by hand and thrown away; none shall start by itself.
    $sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -yq --no-install-recommends $packages >/dev/null
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "Installing Python libraries (hash-pinned)"
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
[ "$purpose" = run ] || .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
