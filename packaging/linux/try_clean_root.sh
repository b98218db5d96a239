#!/bin/sh
# Installs the .deb into a Debian that has nothing but its base and what the package depends on, starts the command of its
# menu entry there as an ordinary user under Xvfb, then removes and purges it: what the user made has to stay. No
# container: debootstrap and chroot, so it takes root, a mirror of Debian and some minutes. `make dist-test-clean`.
#     try_clean_root.sh DEB MODEL [SUITE]
# SUITE is that of this machine where nothing else is said: a package runs on systems as old as the one that built it.
set -eu
deb=$(realpath "$1") model=$(realpath "$2")
name=nodetool-xl-desktop
suite=${3:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
mirror=${MIRROR:-}
fail() {
    echo "$*" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || fail "It takes root: sudo make dist-test-clean"
for tool in debootstrap Xvfb; do
    command -v $tool >/dev/null || fail "There is no $tool here: sudo apt-get install debootstrap xvfb"
done

work=$(mktemp -d)
root=$work/root
display=
end() {
    [ -z "$display" ] || kill "$display" 2>/dev/null || :
    ! mountpoint -q "$root/proc" || umount "$root/proc" || return 0 # else it would be this machine's
    rm -rf --one-file-system "$work"
}
trap end EXIT
inside() { # COMMAND...: in the fresh system, with nothing of this one's environment
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}
person() { # COMMAND...: the same, as somebody who has a home
    inside setpriv --reuid=person --regid=person --clear-groups env HOME=/home/person DISPLAY="$screen" \
        XDG_RUNTIME_DIR=/home/person/run "$@"
}

echo "A fresh $suite ..."
# shellcheck disable=SC2086 # no mirror is no argument
debootstrap --variant=minbase "$suite" "$root" $mirror >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
mount -t proc proc "$root/proc"
[ ! -e /etc/apt/apt.conf.d ] || cp -a /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || :
inside apt-get update >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
inside sh -c "dpkg-query --show --showformat '\${Package}\n'" | sort >"$work/before"

echo "Installing it with what it depends on ..."
cp "$deb" "$root/tmp/package.deb"
inside apt-get install --yes --no-install-recommends /tmp/package.deb >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
inside sh -c "dpkg-query --show --showformat '\${Package}\n'" | sort | comm -13 "$work/before" - >"$work/came"
echo "$(wc -l <"$work/came") packages came along."
! grep -qE '^python3|^libqt' "$work/came" || fail "It brings a Python or a Qt of the system along: $(cat "$work/came")"

inside useradd --create-home person
inside install -d -o person -g person -m 700 /home/person/run
cp "$model" "$root/home/person/model.gguf"
inside chown person:person /home/person/model.gguf
# The screen is of this machine, whose socket is the one thing that the fresh system sees of it.
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$work/display" >/dev/null 2>&1 &
display=$!
tries=0
until [ -s "$work/display" ] || [ $tries -gt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
screen=:$(cat "$work/display")
mkdir -p "$root/tmp/.X11-unix"
ln -f "/tmp/.X11-unix/X${screen#:}" "$root/tmp/.X11-unix/" || : # Linux finds it by its abstract name, too

echo "Using it as its menu entry does ..."
command=$(sed -n 's/^Exec=\([^ ]*\) .*/\1/p' "$root/usr/share/applications/$name.desktop")
person "$command" doctor | grep -q "^No problem was found" || fail "doctor finds a problem: $(person "$command" doctor)"
answer=$(person timeout 120 "$command" --prompt "Say hello." --screenshot /home/person/window.png /home/person/model.gguf)
[ -n "$answer" ] || fail "The window has no answer."
[ -s "$root/home/person/window.png" ] || fail "There is no picture of the window."
[ -z "${KEEP_PICTURE:-}" ] || cp "$root/home/person/window.png" "$KEEP_PICTURE"

echo "Removing it ..."
home=$root/home/person
(cd "$home" && find . -type f | sort | xargs -d '\n' md5sum) >"$work/made"
grep -q "share/$name/" "$work/made" || fail "The person has made nothing."
inside apt-get remove --yes $name >"$work/removed" 2>&1 || { cat "$work/removed" >&2; exit 1; }
grep -qF "/.local/share/$name" "$work/removed" || fail "Nobody says where the data is: $(cat "$work/removed")"
inside apt-get purge --yes $name >"$work/removed" 2>&1 || { cat "$work/removed" >&2; exit 1; }
(cd "$home" && md5sum --quiet --check "$work/made") || fail "What the person made is not what it was."
left=$(find "$root" -xdev -path "$home" -prune -o -name "*$name*" -print) # dpkg takes an empty /opt away
[ -z "$left" ] || fail "It leaves behind: $left"
echo "All of it works in a fresh $suite."
