#!/bin/sh
# Makes /opt/foretell below DESTDIR, offline, from the wheels in wheels/: deploy/environment.sh DESTDIR
# What packages of every kind have in common; run in the folder that deploy/wheels.sh has filled. PYTHON: the one it is for.
set -eu

destination=$1
environment=$destination/opt/foretell
python=${PYTHON:-python3}
pip="$python -m pip --python $environment/bin/python3 --quiet --disable-pip-version-check"
install="$pip install --no-index --no-compile"

"$python" -m venv --without-pip "$environment"
$install --find-links wheels --require-hashes -r requirements/run.txt
$install --no-deps wheels/foretell-*.whl

# A quarter of it is called by nothing of ours (docs/decisions/0031-what-packages-leave-out.md): what rich colours source text and
# renders Markdown with, libraries' own tests, and the C half of PyYAML, whose safe loader is written in Python. What is not there
# any more ends the build, so that this list stays true.
$pip uninstall --yes pygments markdown-it-py mdurl
(cd "$environment"/lib/python*/site-packages && rm -r cheroot/test icalendar/tests yaml/_yaml.*.so)
find "$environment/bin" -type f ! -name foretell -delete
rm -r "$environment/include"

# It is made here and used there: what names its place is written anew. -I: nothing is imported that somebody's environment or
# folder holds.
sed -i '1s|.*|#!/opt/foretell/bin/python3 -I|' "$environment/bin/foretell"
sed -i '/^command/d' "$environment/pyvenv.cfg"
"$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$destination" -p / "$environment/lib"

install -D -m 0644 deploy/foretell.toml "$destination/usr/share/foretell/foretell.toml"
install -D -m 0644 deploy/sysusers.conf "$destination/usr/lib/sysusers.d/foretell.conf"
install -D -m 0644 -t "$destination/usr/share/man/man1" deploy/man/foretell.1
install -D -m 0644 deploy/completion/foretell.bash "$destination/usr/share/bash-completion/completions/foretell"
install -D -m 0644 -t "$destination/usr/share/zsh/vendor-completions" deploy/completion/_foretell
install -D -m 0644 -t "$destination/usr/share/fish/vendor_completions.d" deploy/completion/foretell.fish
install -D -m 0755 deploy/privileged/foretell_privileged.py "$destination/usr/lib/foretell/foretell-privileged"
install -d "$destination/usr/bin"
ln -s /opt/foretell/bin/foretell "$destination/usr/bin/foretell"
