#!/bin/sh
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
#
# installed.sh SOURCE BUILD: the library as installed, found by pkg-config.

set -eu

source=$1
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

meson install -C "$build" --no-rebuild --quiet --tags runtime,devel --destdir "$work/root"

# The installed file names the prefix; here the whole prefix stands in another root.
installed=$(find "$work/root" -name resilient-client-1.pc)
prefix=$(sed -n 's/^prefix=//p' "$installed")
mkdir "$work/pkgconfig"
sed "s|^prefix=.*|prefix=$work/root$prefix|" "$installed" >"$work/pkgconfig/resilient-client-1.pc"
export PKG_CONFIG_PATH="$work/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"

# shellcheck disable=SC2046
${CC:-cc} -Wall -Wextra -Werror -o "$work/consumer" "$source/tests/consumer/consumer.c" \
  $(pkg-config --cflags --libs resilient-client-1)

LD_LIBRARY_PATH=$(pkg-config --variable=libdir resilient-client-1)
export LD_LIBRARY_PATH
test -e "$LD_LIBRARY_PATH/libresilient-client-1.so.0"
test "$("$work/consumer")" = "$(pkg-config --modversion resilient-client-1)"

# One flat folder, and nothing private in it.
headers=$(pkg-config --variable=includedir resilient-client-1)/resilient-client-1
test -e "$headers/resilient.h"
test -z "$(find "$headers" -mindepth 1 '(' -type d -o -name '*-private.h' ')')"
