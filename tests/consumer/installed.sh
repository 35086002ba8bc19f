#!/bin/sh
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
#
# installed.sh SOURCE BUILD [testkit] [introspection] [vapi]: the library, and these if they are there, as installed, found
# by pkg-config and as the README says.

set -eu

source=$1
build=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

meson install -C "$build" --no-rebuild --quiet --destdir "$work/root"

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

# compiles YES-OR-NO FLAG...: what a program says of versions is heard.
compiles ()
{
  wanted=$1
  shift
  found=yes
  # shellcheck disable=SC2046
  ${CC:-cc} -Wall -Wextra -Werror -fsyntax-only "$@" "$source/tests/consumer/versions.c" \
    $(pkg-config --cflags resilient-client-1) 2>"$work/messages" || found=no
  test "$found" = "$wanted" || { echo "with $*: compiles: $found" >&2; cat "$work/messages" >&2; exit 1; }
}

# look PACKAGE UMBRELLA: a library, and one flat folder of headers with nothing private in it.
look ()
{
  headers=$(pkg-config --variable=includedir "$1")/$1
  test -e "$LD_LIBRARY_PATH/lib$1.so.0"
  test -e "$headers/$2"
  test -z "$(find "$headers" -mindepth 1 '(' -type d -o -name '*-private.h' -o ! -name 'resilient*' ')')"
}

# want PACKAGE FLOOR: pkg-config finds the library where that package is of this version, and not where it is older.
want ()
{
  mkdir -p "$work/other"
  for other in "$2=yes" "$(echo "$2" | awk -F. '{ print $1 "." $2 - 1 ".99" }')=no"; do
    printf 'Name: %s\nDescription: another version of it\nVersion: %s\n' "$1" "${other%=*}" >"$work/other/$1.pc"
    found=no
    ! PKG_CONFIG_PATH="$work/other:$PKG_CONFIG_PATH" pkg-config --exists resilient-client-1 || found=yes
    test "$found" = "${other#*=}" || { echo "with $1 ${other%=*}: found: $found" >&2; exit 1; }
  done
  rm "$work/other/$1.pc"
}

# has PART: whether it is among those that were built.
parts=" $* "
has ()
{
  case $parts in *" $1 "*) ;; *) return 1 ;; esac
}

look resilient-client-1 resilient.h
build consumer resilient-client-1
compiles yes
compiles yes -DRESILIENT_VERSION_MIN_REQUIRED=RESILIENT_VERSION_1_0 -DRESILIENT_VERSION_MAX_ALLOWED=RESILIENT_VERSION_1_0
compiles yes -DRESILIENT_VERSION_MIN_REQUIRED=RESILIENT_VERSION_9_9
compiles no -DRESILIENT_VERSION_MIN_REQUIRED='G_ENCODE_VERSION (0, 9)'
compiles no -DRESILIENT_VERSION_MAX_ALLOWED='G_ENCODE_VERSION (0, 9)'
compiles no -DUSE_DEPRECATED
compiles no -DUSE_LATER
compiles yes -DUSE_DEPRECATED -DUSE_LATER -DRESILIENT_DISABLE_DEPRECATION_WARNINGS
version=$(pkg-config --modversion resilient-client-1)
test "$("$work/consumer")" = "$version"
want gio-2.0 2.74
want libsoup-3.0 3.2
want json-glib-1.0 1.6

if has introspection; then
  GI_TYPELIB_PATH=$(pkg-config --variable=libdir resilient-client-1)/girepository-1.0
  export GI_TYPELIB_PATH
  for python in python3 /usr/bin/python3; do
    ! "$python" -c 'import gi' 2>/dev/null || break
  done
  test "$("$python" -B "$source/tests/consumer/consumer.py")" = "$version"
  ! command -v gjs >/dev/null || test "$(gjs -m "$source/tests/consumer/consumer.js")" = "$version"

  # What the README says of a typelib whose library is not found.
  if LC_ALL=C LD_LIBRARY_PATH='' "$python" -B "$source/tests/consumer/consumer.py" 2>"$work/words"; then
    exit 1
  fi
  grep -q "Failed to load shared library 'libresilient-client-1.so.0'" "$work/words"
fi

if has vapi; then
  XDG_DATA_DIRS=$(pkg-config --variable=prefix resilient-client-1)/share:${XDG_DATA_DIRS:-/usr/local/share:/usr/share} \
    valac --pkg resilient-client-1 -X -w -o "$work/consumer-vala" "$source/tests/consumer/consumer.vala"
  GIO_USE_PROXY_RESOLVER=dummy GSETTINGS_BACKEND=memory "$work/consumer-vala"
fi

if has testkit; then
  look resilient-client-testkit-1 resilient-test.h
  build testkit resilient-client-testkit-1
  GIO_USE_PROXY_RESOLVER=dummy GSETTINGS_BACKEND=memory "$work/testkit"
fi
