#!/bin/sh
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
#
# ./dev fuzz [--seconds N] [--seed N] [TARGET…]: builds the targets as libFuzzer programs, in a folder of their own, and
# runs them, as many at a time as there are processors.

set -eu

cd "$(dirname "$0")/../.."
build=_build-fuzz
seconds=60
seed=0
targets=

while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?--seconds takes a number}; shift ;;
    --seed) seed=${2:?--seed takes a number}; shift ;;
    -*) echo 'Usage: ./dev fuzz [--seconds N] [--seed N] [TARGET…]' >&2; exit 2 ;;
    *)
      [ -d "tests/fuzzing/corpus/$1" ] || { echo "dev: unknown target: $1" >&2; exit 2; }
      targets="$targets fuzz-$1"
      ;;
  esac
  shift
done

./dev setup clang libclang-rt-dev
[ -f $build/build.ninja ] \
  || CC=clang CXX=clang++ meson setup $build -Dintrospection=disabled -Dvapi=disabled -Ddocs=disabled -Dexamples=false \
    -Dfuzzing=true -Db_sanitize=address,undefined -Db_lundef=false
ninja -C $build fuzzers
for folder in tests/fuzzing/corpus/*/; do
  mkdir -p "$build/corpus/$(basename "$folder")"
done
# shellcheck disable=SC2086
exec meson test -C $build --no-rebuild --print-errorlogs --suite fuzzing \
  --test-args="-max_total_time=$seconds -seed=$seed" $targets
