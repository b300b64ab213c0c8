#!/bin/sh
# Builds dist/foretell-VERSION-1.ARCH.rpm for this release of Fedora, RHEL or one like it: deploy/rpm/build.sh
# Needed: dnf install rpm-build python3-pip. RHEL 9 and Rocky 9: also python3.11 and python3.11-pip, and PYTHON=/usr/bin/python3.11.
set -eu

cd "$(dirname "$0")/../.."
python=${PYTHON:-/usr/bin/python3} # the distribution's own, which is there on every host
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
minor=$("$python" -c 'import sys; print(sys.version_info.minor)')
folder=$PWD/build/rpm/foretell
rm -rf build/rpm
mkdir -p "$folder" dist
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

PYTHON=$python deploy/wheels.sh "$folder"
rpmbuild -bb --quiet --define "_topdir $PWD/build/rpm" --define "_rpmdir $PWD/dist" --define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
  --define "version $version" --define "folder $folder" --define "python $python" --define "python_package $(basename "$python")" \
  --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" --define "_buildhost localhost" \
  --define "python_from 3.$minor" --define "python_below 3.$((minor + 1))" deploy/rpm/foretell.spec >build/rpm/log 2>&1 ||
  { tail -40 build/rpm/log >&2; exit 1; }
ls dist/foretell-"$version"-1.*.rpm
