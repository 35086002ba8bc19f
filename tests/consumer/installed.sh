#!/bin/sh
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
#
# installed.sh SOURCE BUILD [testkit]: the library, and the test kit if it is there, as installed, found by pkg-config.

set -eu

source=$1
build=$2
testkit=${3-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

meson install -C "$build" --no-rebuild --quiet --tags runtime,devel --destdir "$work/root"

# The installed files name the prefix; here the whole prefix stands in another root.
mkdir "$work/pkgconfig"
for installed in $(find "$work/root" -name 'resilient-client-*.pc'); do
  prefix=$(sed -n 's/^prefix=//p' "$installed")
  sed "s|^prefix=.*|prefix=$work/root$prefix|" "$installed" >"$work/pkgconfig/${installed##*/}"
done
export PKG_CONFIG_PATH="$work/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir resilient-client-1)
export LD_LIBRARY_PATH

# build PROGRAM PACKAGE
build ()
{
  # shellcheck disable=SC2046
  ${CC:-cc} -Wall -Wextra -Werror -o "$work/$1" "$source/tests/consumer/$1.c" $(pkg-config --cflags --libs "$2")
}

# look PACKAGE UMBRELLA: a library, and one flat folder of headers with nothing private in it.
look ()
{
  headers=$(pkg-config --variable=includedir "$1")/$1
  test -e "$LD_LIBRARY_PATH/lib$1.so.0"
  test -e "$headers/$2"
  test -z "$(find "$headers" -mindepth 1 '(' -type d -o -name '*-private.h' -o ! -name 'resilient*' ')')"
}

look resilient-client-1 resilient.h
build consumer resilient-client-1
test "$("$work/consumer")" = "$(pkg-config --modversion resilient-client-1)"

if [ -n "$testkit" ]; then
  look resilient-client-testkit-1 resilient-test.h
  build testkit resilient-client-testkit-1
  GIO_USE_PROXY_RESOLVER=dummy GSETTINGS_BACKEND=memory "$work/testkit"
fi
