# Shared by ./run and ./test: a virtual environment from a hashed lock, and the page built with Node from the PyPI wheel.
# Sourced, not run. Works as root or not; nothing outside this folder is written, save Debian packages when root and asked.
VENV=${JINYUN_VENV:-.venv}

say() { printf '%s\n' "jinyun: $*"; }

debian() { # debian PACKAGE… : install when root on Debian, else say exactly what to install
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing from Debian: $*"
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@") >"${TMPDIR:-/tmp}/jinyun-apt.log" 2>&1 ||
      { say "apt-get could not install $*:"; tail -n 5 "${TMPDIR:-/tmp}/jinyun-apt.log"; return 1; }
  else
    say "missing: please install (as root): apt-get install $*"
    return 1
  fi
}

find_python() {
  for p in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
    if command -v "$p" >/dev/null 2>&1 && "$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then
      printf '%s\n' "$p"
      return 0
    fi
  done
  say "Python 3.11 or newer is needed; on Debian 12: apt-get install python3 python3-venv" >&2
  return 1
}

prepare_venv() { # prepare_venv LOCK : .venv holds exactly what LOCK pins, and this project
  lock=$1
  python=$(find_python)
  stamp="$VENV/.jinyun-$(basename "$lock")-$(cat "$lock" pyproject.toml | cksum | tr ' ' '-')"
  [ -e "$stamp" ] && [ -x "$VENV/bin/jinyun" ] && return 0
  if [ ! -x "$VENV/bin/python" ] || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    say "making $VENV with $("$python" --version)"
    rm -rf "$VENV"
    if ! "$python" -m venv "$VENV" >/dev/null 2>&1; then
      rm -rf "$VENV"
      debian python3-venv || exit 1
      "$python" -m venv "$VENV"
    fi
  fi
  say "installing what $lock pins (a few minutes the first time)"
  "$VENV/bin/python" -m pip --disable-pip-version-check install -q --require-hashes -r "$lock" ||
    { say "installation failed: is a Python package index reachable? pip's own words are above"; exit 1; }
  "$VENV/bin/python" -m pip --disable-pip-version-check install -q --no-deps --no-build-isolation -e .
  touch "$stamp"
}

build_page() {
  "$VENV/bin/python" frontend/build.py || { say "the page could not be built; its log is above"; exit 1; }
}
