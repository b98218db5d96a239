#!/bin/sh
# Packs dist/nodetool-xl-desktop as a .deb that installs to /opt, without root; the same bytes for the same folder and
# SOURCE_DATE_EPOCH. COMPRESSION=gzip is quicker than xz, and larger. Called by packaging/dist.sh.
#     deb.sh FOLDER VERSION PYTHON TARGET
set -eu
folder=$1 version=$2 python=$3 target=$4
name=nodetool-xl-desktop
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
share=$root/usr/share
umask 022

put() { # FILE TARGET [MODE]: one file, with its folder
    mkdir -p "$(dirname "$2")"
    install -m "${3:-644}" "$1" "$2"
}

mkdir -p "$root/opt" "$root/usr/bin" "$root/DEBIAN"
cp -R "$folder" "$root/opt/$name"
find "$root/opt" -type d -exec chmod 755 {} +
find "$root/opt" -type f -exec chmod 644 {} +
chmod 755 "$root/opt/$name/$name"
ln -s "/opt/$name/$name" "$root/usr/bin/$name"

put "$here/$name.desktop" "$share/applications/$name.desktop"
put "$here/$name.mime.xml" "$share/mime/packages/$name.xml"
put "$top/resources/icon.svg" "$share/icons/hicolor/scalable/apps/$name.svg"
put "$here/lintian-overrides" "$share/lintian/overrides/$name"
mkdir -p "$share/metainfo"
sed "s/@VERSION@/$version/; s/@DATE@/$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)/" \
    "$here/$name.metainfo.xml.in" >"$share/metainfo/$name.metainfo.xml"
mkdir -p "$share/doc/$name"
"$python" "$here/copyright.py" "$folder" >"$share/doc/$name/copyright"
maintainer=$(sed -n 's/^Upstream-Contact: //p' "$here/copyright")
gzip -9n >"$share/doc/$name/changelog.gz" <<END
$name ($version) unstable; urgency=medium

  * Built from the source of this version.

 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END

put "$here/postrm" "$root/DEBIAN/postrm" 755
cat >"$root/DEBIAN/control" <<END
Package: $name
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: $maintainer
Installed-Size: $(du -sk --apparent-size "$root" | cut -f1)
Depends: $("$python" "$here/depends.py" "$folder")
Recommends: shared-mime-info, desktop-file-utils, xdg-utils
Section: utils
Priority: optional
Description: chat with language models that run on your own machine
 Drop a GGUF file on the window, see at once whether it fits and why, load it,
 talk to it. Nothing leaves the machine.
 .
 Each model runs in a process of its own. Chats, versions of answers and
 attached files are kept in one database in your home.
END
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$work/md5sums"
mv "$work/md5sums" "$root/DEBIAN/md5sums"
chmod 644 "$root/DEBIAN/md5sums" "$root/DEBIAN/control"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group "-Z${COMPRESSION:-xz}" --build "$root" "$target" >/dev/null
