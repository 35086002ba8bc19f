#!/bin/sh
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
#
# subproject.sh SOURCE: the library as a Meson subproject of an application.

set -eu

source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$source/tests/consumer/subproject/meson.build" "$source/tests/consumer/consumer.c" \
  "$source/tests/consumer/testkit.c" "$work"
mkdir "$work/subprojects"
ln -s "$source" "$work/subprojects/resilient-client"

meson setup "$work/build" "$work" --wrap-mode=nodownload --force-fallback-for=resilient-client
ninja -C "$work/build"
meson test -C "$work/build" --no-rebuild --print-errorlogs
