#!/bin/bash
# GitHub's own description of its REST interface, fetched once from where GitHub's libraries get it (npm, @octokit/openapi).
#
#   github_specification.sh
#
# Prints SPECIFICATION=FILE. It is kept in $FORETELL_DESKS_DIR (default /tmp/foretell-desks).
NAME=github_specification
DIR=${FORETELL_DESKS_DIR:-${TMPDIR:-/tmp}/foretell-desks}/github_specification
. "$(dirname "$0")/_common.sh"

VERSION=23.0.2
FILE=$DIR/api.github.com-$VERSION.json

if [ ! -s "$FILE" ]; then
  mkdir -p "$DIR"
  # npm compares what it got with the checksum that the registry has for this version.
  (cd "$DIR" && npm pack --silent "@octokit/openapi@$VERSION" >npm.log 2>&1) \
    || { tail -5 "$DIR/npm.log" >&2; fail "npm could not fetch it"; }
  tar -xzOf "$DIR/octokit-openapi-$VERSION.tgz" package/generated/api.github.com.json >"$FILE.part"
  mv "$FILE.part" "$FILE"
  rm "$DIR/octokit-openapi-$VERSION.tgz"
fi
echo "SPECIFICATION=$FILE"
