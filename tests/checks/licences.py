#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Every file says who holds its copyright and under which licence (REUSE 3)."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib

import common

COPYRIGHT = 'SPDX-FileCopyright' 'Text: '
LICENCE = 'SPDX-License-' 'Identifier: '
HEADER_LINES = 12


def read_annotations(root):
    """What REUSE.toml says of files that can't carry a header: each with its patterns, copyright and licence."""
    try:
        text = (root / 'REUSE.toml').read_text(encoding='utf-8')
    except FileNotFoundError:
        return []
    return [([paths] if isinstance(paths := annotation['path'], str) else paths,
             annotation[COPYRIGHT.rstrip(': ')], annotation[LICENCE.rstrip(': ')])
            for annotation in tomllib.loads(text)['annotations']]


def fits(path, pattern):
    """Whether a path is one of a pattern, of which * is anything but /, and ** is anything."""
    return re.fullmatch(re.escape(pattern).replace(r'\*\*', '.*').replace(r'\*', '[^/]*'), str(path)) is not None


def write_dep5(annotations):
    """The same in the form that the tool read before it knew REUSE.toml, in which * is anything."""
    text = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
    for patterns, copyright_text, licence in annotations:
        files = '\n       '.join(pattern.replace('**', '*') for pattern in patterns)
        text += f'\nFiles: {files}\nCopyright: {copyright_text}\nLicense: {licence}\n'
    return text


def knows_toml():
    """Whether the tool reads REUSE.toml. It refuses a tree with both forms."""
    said = subprocess.run(['reuse', '--version'], check=True, capture_output=True, text=True).stdout
    return int(re.search(r'\d+', said)[0]) >= 4


def lint(root, report):
    """What the tool says, which knows the whole specification, but would need git to tell what is ignored: it gets the
    files alone."""
    with tempfile.TemporaryDirectory() as folder:
        for path in common.project_files(root):
            pathlib.Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, pathlib.Path(folder, path))
        if not knows_toml():
            pathlib.Path(folder, '.reuse').mkdir()
            pathlib.Path(folder, '.reuse/dep5').write_text(write_dep5(read_annotations(root)), encoding='utf-8')
        tool = subprocess.run(['reuse', '--root', folder, 'lint'], capture_output=True, text=True, check=False,
                              env=os.environ | {'LANGUAGE': 'C', 'LC_ALL': 'C.UTF-8'})
    if tool.returncode != 0:
        report.add('reuse lint', tool.stdout + tool.stderr)


def check(root, report):
    covered = [pattern for patterns, _, _ in read_annotations(root) for pattern in patterns]
    for path in common.project_files(root):
        if path.parts[0] == 'LICENSES' or path.suffix == '.license':
            continue
        if any(fits(path, pattern) for pattern in covered):
            continue
        companion = path.with_name(path.name + '.license')
        source = companion if (root / companion).exists() else path
        head = '\n'.join((common.read(root, source) or '').split('\n')[:HEADER_LINES])
        for tag in (COPYRIGHT, LICENCE):
            if tag not in head:
                report.add(path, f'no {tag.rstrip(": ")}')
        for licence in re.findall(re.escape(LICENCE) + r'([A-Za-z0-9.-]+)', head):
            if not (root / 'LICENSES' / f'{licence}.txt').exists():
                report.add(path, f'LICENSES/{licence}.txt is missing')

    if shutil.which('reuse'):
        lint(root, report)


if __name__ == '__main__':
    common.main(check, __doc__)
