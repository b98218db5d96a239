#!/bin/sh
# What the program needs of a Linux system and pip cannot bring: the shared libraries that the wheels of Qt and of the
# engine load, a font, and Python's venv module; `system-libraries.sh test` looks for what only the tests need as well: a
# screen that nobody sees, and the accessibility bus. With root and apt the missing ones are installed, else the one
# command to type is printed. Silent where nothing is missing.
set -eu
python=${PYTHON:-python3}
what=${1-run}
[ "$(uname -s)" = Linux ] || exit 0

cd "$(dirname "$0")/.."

if [ "$what" = test ]; then
    DISPLAY=${DISPLAY:-:0} # the tests open a window on a screen of their own: its libraries are needed, too
    export DISPLAY
fi

for_tests() {
    command -v Xvfb >/dev/null || echo xvfb
    command -v dbus-daemon >/dev/null || echo dbus
    [ -n "$(find /usr/share/dbus-1/services /usr/local/share/dbus-1/services -name org.a11y.Bus.service \
        -print -quit 2>/dev/null)" ] || echo at-spi2-core
}

missing() {
    "$python" -m nodetool_xl_desktop.core.system_libraries
    [ "$what" != test ] || for_tests
    [ -n "$(find /usr/share/fonts /usr/local/share/fonts "${HOME-}/.fonts" "${HOME-}/.local/share/fonts" \
        -name '*.[ot]t[fc]' -print -quit 2>/dev/null)" ] || [ -n "$(fc-list 2>/dev/null)" ] || echo fonts-dejavu-core
}

packages=$(missing)
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086,SC2116 # a list, in one line
packages=$(echo $packages)
install="apt-get install -y --no-install-recommends $packages"
if ! command -v apt-get >/dev/null; then
    echo "This system lacks what Debian's packages of these names bring: $packages" >&2
    echo "Install what your system calls them, then try again." >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "This system lacks some packages. Install them, then try again:" >&2
    echo "    sudo apt-get update && sudo $install" >&2
    exit 1
fi
echo "Installing system packages: $packages ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo "Not every package list could be refreshed; trying with what is there ..." >&2
$install -qq -o Dpkg::Use-Pty=0 >/dev/null
packages=$(missing)
[ -z "$packages" ] || { echo "apt-get installed them, but these are still not found: $packages" >&2; exit 1; }
