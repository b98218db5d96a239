#!/bin/sh
# Builds what people install, below dist/: the frozen folder, on Linux a portable .tar.xz and a .deb. The system and the
# processor are those of the machine it runs on.
#     dist.sh          all of it
#     dist.sh folder   the frozen folder only (Windows and macOS go on from there)
set -eu
cd "$(dirname "$0")/.."
name=nodetool-xl-desktop
python=${PYTHON_OF_DIST:-.venv/bin/python}
version=$("$python" -c 'import nodetool_xl_desktop; print(nodetool_xl_desktop.__version__)')
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y nodetool_xl_desktop/__init__.py)}
export SOURCE_DATE_EPOCH PYTHONHASHSEED=0

if [ "$(uname -s)" = Linux ]; then
    for tool in strip objdump xz; do
        command -v "$tool" >/dev/null || { echo "There is no $tool here: sudo apt-get install binutils xz-utils" >&2; exit 1; }
    done
fi
echo "Freezing $name $version (about a minute) ..."
mkdir -p build
rm -rf build/pyinstaller # what an earlier run left there would show in the bytes
"$python" -m PyInstaller --noconfirm --log-level ERROR --distpath dist --workpath build/pyinstaller \
    "packaging/$name.spec" >build/pyinstaller.log 2>&1 || { tail -20 build/pyinstaller.log >&2; exit 1; }
[ "${1:-all}" = all ] && [ "$(uname -s)" = Linux ] || exit 0

rm -f dist/"$name"*.tar.xz dist/"$name"_*.deb # of earlier versions
stem=dist/$name-$version-linux-$(uname -m)
echo "Packing $stem.tar.xz ..."
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw --mtime="@$SOURCE_DATE_EPOCH" \
    --directory dist --file - "$name" | xz -T2 -6 >"$stem.tar.xz"
if command -v dpkg-deb >/dev/null; then
    deb=dist/${name}_${version}_$(dpkg --print-architecture).deb
    echo "Packing $deb ..."
    packaging/linux/deb.sh "dist/$name" "$version" "$python" "$deb"
fi
du -sh "dist/$name" dist/*.tar.xz dist/*.deb 2>/dev/null
