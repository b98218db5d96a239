#!/bin/sh
# Makes .venv ready: `setup.sh run` for the program and its engine, `setup.sh test` for the tools of the tests too,
# `setup.sh dist` for what freezes the program.
# What it did is keyed by what it did it from, so that a second run ends at once.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1

fail() {
    echo "$*" >&2
    exit 1
}

command -v "$python" >/dev/null || fail "There is no $python here. Install Python 3.11 or later: sudo apt-get install python3"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 11) else "")')
[ -n "$version" ] || fail "$("$python" -V) is too old: 3.11 or later is needed. With another one: make run PYTHON=python3.12"
packaging/system-libraries.sh "$1"

# A virtual environment survives neither a move nor another Python.
place="$PWD $version"
if [ "$(cat .venv/made-for 2>/dev/null)" != "$place" ]; then
    echo "Making .venv ..."
    "$python" -m venv --clear .venv
    # Debian 12's pip knows no dependency groups.
    .venv/bin/python -m pip install --quiet --constraint constraints.txt --upgrade pip
    echo "$place" >.venv/made-for
fi

key=$(cat pyproject.toml constraints.txt | cksum)
ready() {
    [ "$(cat ".venv/ready-to-$1" 2>/dev/null)" = "$key" ]
}
install() {
    .venv/bin/python -m pip install --quiet --constraint constraints.txt --build-constraint constraints.txt "$@"
}
if ! ready run; then
    if [ -e .venv/ready-to-run ]; then
        echo "pyproject.toml or constraints.txt has changed: installing what is new ..."
    else
        echo "Installing the program and its engine (about 125 MB to fetch, once) ..."
    fi
    install --editable '.[xllamacpp]'
    echo "$key" >.venv/ready-to-run
fi
if [ "$1" = test ] && ! ready test; then
    echo "Installing the tools of the tests ..."
    install --group test
    echo "$key" >.venv/ready-to-test
fi
if [ "$1" = dist ] && ! ready dist; then
    echo "Installing what freezes the program ..."
    install --group dist
    echo "$key" >.venv/ready-to-dist
fi
