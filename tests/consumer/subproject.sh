#!/bin/sh
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
#
# subproject.sh SOURCE VALA: the library as a Meson subproject of an application, which is in C, and in Vala too where
# that is "true".

set -eu

source=$1
vala=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$source"/tests/consumer/subproject/meson* "$source"/tests/consumer/*.c "$source"/tests/consumer/*.vala "$work"
mkdir "$work/subprojects"
ln -s "$source" "$work/subprojects/resilient-client"

# set_up BUILD OPTION…
set_up ()
{
  build=$1
  shift
  # Not optimised: it is soon built.
  meson setup "$build" "$work" --buildtype=plain --wrap-mode=nodownload --force-fallback-for=resilient-client "$@"
}

# As the README has it: nothing but the library.
set_up "$work/plain" -Dresilient-client:introspection=disabled
for unwanted in testkit examples tests docs; do
  if ninja -C "$work/plain" -t targets all | grep -v 'meson\.build:' | grep "/resilient-client/.*$unwanted"; then
    echo "the library would build its $unwanted, too" >&2
    exit 1
  fi
done

# With all that an application can ask for.
introspection=disabled
[ "$vala" != true ] || introspection=enabled
set_up "$work/build" -Dtestkit=true -Dvala="$vala" -Dresilient-client:testkit=true -Dresilient-client:nls=disabled \
  -Dresilient-client:introspection="$introspection"
ninja -C "$work/build"
meson test -C "$work/build" --no-rebuild --print-errorlogs
