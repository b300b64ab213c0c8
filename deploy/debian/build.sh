#!/bin/sh
# Builds dist/foretell_VERSION_ARCH.deb for this Debian: deploy/debian/build.sh
# Needed: apt-get install dpkg-dev debhelper python3-pip python3-venv
set -eu

cd "$(dirname "$0")/../.."
# Debian's own, which the package depends on: not one that happens to come first in PATH, whose compiled files would be another's.
PYTHON=/usr/bin/python3
export PYTHON
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
folder=build/deb/foretell
rm -rf build/deb
mkdir -p "$folder" dist

deploy/wheels.sh "$folder"
mv "$folder/deploy/debian" "$folder/debian"
printf 'foretell (%s) stable; urgency=medium\n\n  * See /usr/share/doc/foretell/docs/CHANGELOG.md\n\n -- The Foretell authors <noreply@foretell.invalid>  %s\n' \
  "$version" "$(date -R --date="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}")" >"$folder/debian/changelog"

(cd "$folder" && dpkg-buildpackage --build=binary --no-sign -d >../log 2>&1) || { tail -40 build/deb/log >&2; exit 1; }
mv build/deb/foretell_*.deb dist/
ls dist/foretell_"$version"_*.deb
