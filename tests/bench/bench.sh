#!/bin/sh
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
#
# ./dev bench: the benchmarks, what they compare with, and the guard over what is counted.

set -eu

cd "$(dirname "$0")/../.."
build=_build
tools=$build/tools

usage ()
{
  cat <<END
Usage: ./dev bench [WORKLOAD…]   builds and runs the benchmarks, all or these
       ./dev bench --record      runs all of them and writes docs/performance.md, its figures and plots
       ./dev bench --guard       counts the instructions of a request and the bytes of a call that waits, and fails
                                 where they are more than they may be
       ./dev bench --update-baseline
                                 counts anew the instructions that the guard allows
       ./dev bench gjs           measures what a promise costs in JavaScript
       ./dev bench --outage      simulates a day without a server, with and without guards, and draws docs/guards-outage.svg
       ./dev bench --setup       installs what the benchmarks compare with

END
}

packages ()
{
  echo libcurl4-openssl-dev python3-httpx python3-h2 python3-aiohttp \
    golang-go golang-github-hashicorp-go-retryablehttp-dev valgrind
  # Another Node.js than Debian's brings its own npm.
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
}

# The server. Its program alone, because the package would start a service.
fetch_nginx ()
{
  ! PATH=$PATH:/usr/sbin:/sbin:$tools/usr/sbin command -v nginx >/dev/null || return 0
  mkdir -p $tools
  (
    cd $tools
    if ! apt-get download -q nginx; then
      echo 'bench: run apt-get update as root, and try again' >&2
      exit 1
    fi
    dpkg-deb -x nginx_*.deb .
  )
}

case ${1-} in
  --setup)
    # shellcheck disable=SC2046
    ./dev setup $(packages)
    # Debian's package of undici has no RetryAgent yet.
    mkdir -p $tools/node
    exec npm install --prefix $tools/node --no-audit --no-fund undici@6
    ;;
  --guard)
    # A report of an earlier run must not be counted.
    rm -f $build/meson-logs/guardlog.json $build/meson-logs/guardlog.junit.xml
    meson test -C $build --benchmark --suite guard --logbase guardlog --print-errorlogs --verbose || true
    exec python3 tests/summary.py $build/meson-logs/guardlog.json
    ;;
  --update-baseline)
    exec ninja -C $build update-instructions
    ;;
  --outage)
    ninja --quiet -C $build tests/bench/outage
    exec python3 tests/bench/outage.py --program $build/tests/bench/outage --docs docs
    ;;
  --record)
    shift
    set -- --record docs "$@"
    ;;
  gjs)
    exec ./dev shell gjs -m tests/bench/bench-gjs.js python3 tests/bindings/loopback.py
    ;;
  -h | --help)
    usage
    exec python3 tests/bench/run.py --help
    ;;
esac

fetch_nginx
ninja --quiet -C $build bench
exec python3 tests/bench/run.py --build $build/tests/bench --json $build/bench.json "$@"
