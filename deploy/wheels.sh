#!/bin/sh
# Gathers in FOLDER what a package is built from, from a checkout: deploy/wheels.sh FOLDER. Wheels are fetched by their locked
# hashes; nothing after this asks a network. PYTHON: the one they are for.
set -eu

folder=$1
mkdir -p "$folder/wheels"
"${PYTHON:-python3}" -m venv "$folder/tools"
pip="$folder/tools/bin/pip --quiet --disable-pip-version-check"
$pip install --require-hashes -r requirements/build.txt
"$folder/tools/bin/hatchling" build -t wheel -d "$folder/wheels" >/dev/null
$pip download --require-hashes --only-binary :all: -d "$folder/wheels" -r requirements/run.txt
rm -r "$folder/tools"
cp -r README.md docs deploy requirements "$folder"
cp CHANGELOG.md "$folder/docs"
