#!/bin/sh
# Packs "dist/NodeTool XL Desktop.app" as a .dmg with a link to Applications. Untried: see CONTRIBUTING.md, "Packages".
# Without a certificate of Apple's the program is signed for this machine only: Gatekeeper asks whoever opens it.
#     dmg.sh VERSION
set -eu
cd "$(dirname "$0")/../.."
app="dist/NodeTool XL Desktop.app"
target=dist/nodetool-xl-desktop-$1-macos-$(uname -m).dmg
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
codesign --force --deep --sign "${SIGN_AS:--}" "$app"
ditto "$app" "$work/$(basename "$app")"
ln -s /Applications "$work/Applications"
rm -f "$target"
hdiutil create -volname "NodeTool XL Desktop" -srcfolder "$work" -format UDZO -ov "$target"
