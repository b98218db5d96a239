#!/bin/sh
# Tries what `make dist` built, as people would use it: the metadata, the package, what is inside and its licences, the
# commands (in German as well), the children of the frozen program, an engine out of the data folder, and the window under
# Xvfb from the command of its menu entry. With a home of its own. `make dist-test` calls it.
#     try.sh FOLDER DEB MODEL
set -eu
folder=$(realpath "$1") deb=$(realpath "$2") model=$(realpath "$3")
name=nodetool-xl-desktop
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON_OF_DIST:-$here/../../.venv/bin/python} # the one that froze it
work=$(mktemp -d)
started_here=
trap '[ -z "$started_here" ] || kill $started_here 2>/dev/null || :; rm -rf "$work"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}
[ -x "$python" ] || fail "There is no $python here: make dist"
for tool in desktop-file-validate:desktop-file-utils appstreamcli:appstream lintian:lintian Xvfb:xvfb xvfb-run:xvfb; do
    command -v "${tool%:*}" >/dev/null || fail "There is no ${tool%:*} here: sudo apt-get install ${tool#*:}"
done

echo "The package ..."
dpkg-deb -x "$deb" "$work/root"
desktop-file-validate "$work/root/usr/share/applications/$name.desktop"
appstreamcli validate --no-net "$work"/root/usr/share/metainfo/*.metainfo.xml >"$work/said" || { cat "$work/said"; exit 1; }
lintian --allow-root --fail-on error "$deb" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
version=$(dpkg-deb -f "$deb" Version)
"$python" "$here/try_inside.py" "$folder"
cmp "$folder/_internal/licenses/CONTENTS.tsv" "$work/root/opt/$name/_internal/licenses/CONTENTS.tsv" ||
    fail "The package holds another build than the folder."

export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" XDG_DATA_HOME="$work/home/data" XDG_STATE_HOME="$work/home/state" \
    XDG_CACHE_HOME="$work/home/cache"
mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
unset QT_QPA_PLATFORM PYTHONPATH LD_LIBRARY_PATH || :
program=$folder/$name

echo "The commands ..."
[ "$("$program" --version)" = "$name $version" ] || fail "The frozen program has another version than the package."
"$program" fit "$model" >/dev/null
"$program" fit --exact "$model" >/dev/null
"$program" doctor | grep -q "^No problem was found" || fail "doctor finds a problem: $("$program" doctor)"
NTXL_LANGUAGE=de "$program" doctor >"$work/german"
german=$("$python" - "$here/../../resources/translations/de.mo" <<'END'
import gettext, sys
print(gettext.GNUTranslations(open(sys.argv[1], "rb")).gettext("No problem was found."))
END
)
[ "$german" != "No problem was found." ] || fail "The German texts are not there: make texts"
grep -qxF "$german" "$work/german" || fail "doctor speaks no German: $(cat "$work/german")"
[ -n "$("$program" ask "$model" "Say hello." --max-tokens 5)" ] || fail "ask has no answer."

echo "The children ..."
"$python" "$here/try_children.py" "$program"

echo "An engine out of the data folder, and a broken one ..."
"$python" "$here/try_engines.py" "$program" "$model"

echo "The window ..."
# The command of the menu entry, where the package puts it.
command=$(sed -n 's/^Exec=\([^ ]*\) .*/\1/p' "$work/root/usr/share/applications/$name.desktop")
[ "$(readlink "$work/root/usr/bin/$command")" = "/opt/$name/$name" ] || fail "The menu entry starts something else."
started=$work/root/opt/$name/$name
answer=$(xvfb-run -a timeout 90 "$started" --prompt "Say hello." --screenshot "$work/window.png" "$model")
[ -n "$answer" ] || fail "The window has no answer."
[ -s "$work/window.png" ] || fail "There is no picture of the window."
Xvfb -displayfd 3 -screen 0 1280x800x24 3>"$work/display" >/dev/null 2>&1 &
display=$!
started_here=$display
tries=0
until [ -s "$work/display" ] || [ $tries -gt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
DISPLAY=:$(cat "$work/display")
export DISPLAY
"$started" &
first=$!
started_here="$first $display"
sleep 5
timeout 20 "$started" "$model" || fail "The second start did not hand over."
kill -0 "$first" || fail "The first one has ended."
sleep 2
grep -q "$(basename "$model")" "$XDG_DATA_HOME/$name/models.json" || fail "The first one did not take what it was handed."
kill "$display" # as when a session ends
tries=0
while kill -0 "$first" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -0 "$first" 2>/dev/null && fail "It does not end with its display."
started_here=
echo "All of it works."
