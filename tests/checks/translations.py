#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Every message of an error is translatable; po/POTFILES.in lists exactly the sources with
translatable messages, none of which a macro cuts in two; every catalogue in po/LINGUAS exists, is
listed, has every message translated, and keeps to the typography of its language."""

import re
import shutil
import subprocess

import common

MESSAGE = re.compile(r'(?<![A-Za-z0-9_])(?:N?_|(?:resilient_)?n?gettext) ?\(\s*"')

# xgettext sees the text up to the macro, and the program asks for all of it.
CUT = re.compile(r'(?:\bN?_|gettext) ?\((?:\s*"(?:[^"\\]|\\.)*"\s*,?)+\s*G_\w+_FORMAT\b')
ERROR = re.compile(r'\b(?:g_set_error|g_error_new|g_task_return_new_error|g_prefix_error)\w* \([^;]*;')
MARKED = re.compile(r'(?:\b_|gettext) ?\((?:\s*"(?:[^"\\]|\\.)*"\s*,?)+')
SENTENCE = re.compile(r'"(?:[^"\\]|\\.)*[A-Za-z] (?:[^"\\]|\\.)*"')
NO_BREAK = '\u00a0\u202f'
TYPOGRAPHY = {
    'fr': [
        (re.compile(r"\w'\w"), 'a straight apostrophe'),
        (re.compile(f'[^{NO_BREAK}][»;!?]|«[^{NO_BREAK}]'), 'no no-break space at a sign that wants one'),
        (re.compile(f'[^{NO_BREAK}]:(?: |$)'), 'no no-break space before a colon'),
        (re.compile(f'[^{NO_BREAK}]%%'), 'no no-break space before the sign of per cent'),
        (re.compile(r'\.\.\.|[“”"]'), 'dots or quotation marks that are not those of French'),
    ],
}


def translations(catalogue):
    """The texts of a catalogue, its header left out."""
    found, text = [], None
    for line in [*catalogue.splitlines(), '']:
        start = re.match(r'msgstr(?:\[\d\])? (".*")$', line)
        if text is not None and not line.startswith('"'):
            found.append(text)
            text = None
        if start:
            text = ''
        if text is not None:
            text += (start[1] if start else line)[1:-1]
    return found[1:]


def entries(path):
    lines = path.read_text(encoding='utf-8').splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith('#')]


def check(root, report):
    listed = entries(root / 'po/POTFILES.in')
    sources = sorted(path for folder in ('resilient-client', 'examples') for path in (root / folder).rglob('*.c'))
    wanted = [str(path.relative_to(root)) for path in sources if MESSAGE.search(path.read_text(encoding='utf-8'))]
    for path in sources:
        if path.is_relative_to(root / 'resilient-client'):
            for error in ERROR.finditer(path.read_text(encoding='utf-8')):
                for sentence in SENTENCE.finditer(MARKED.sub('', error[0])):
                    report.add(path.relative_to(root), f'not marked for translation: {sentence[0]}')
    for path in wanted:
        for cut in CUT.finditer((root / path).read_text(encoding='utf-8')):
            report.add(path, f'a macro cuts the message {cut[0]}')
    for path in sorted(set(wanted) - set(listed)):
        report.add('po/POTFILES.in', f'{path} has messages and is not listed')
    for path in sorted(set(listed) - set(wanted)):
        report.add('po/POTFILES.in', f'{path} is listed and has no message')
    if listed != sorted(listed):
        report.add('po/POTFILES.in', 'is not sorted')

    languages = set(entries(root / 'po/LINGUAS'))
    catalogues = {path.stem for path in (root / 'po').glob('*.po')}
    for language in sorted(languages ^ catalogues):
        report.add('po/LINGUAS', f'{language}: ' + ('po file is missing' if language in languages
                                                    else 'is not listed'))
    if not shutil.which('xgettext') or not listed:
        return
    template = subprocess.run(
        ['xgettext', '--from-code=UTF-8', '--keyword=_', '--keyword=N_', '--keyword=resilient_ngettext:1,2',
         '--directory', root, '--output=-', *(name for name in listed if (root / name).exists())],
        check=True, capture_output=True).stdout
    for language in sorted(languages & catalogues):
        merged = subprocess.run(['msgmerge', '--quiet', '--no-fuzzy-matching', '--output-file=-',
                                 root / f'po/{language}.po', '-'],
                                input=template, check=True, capture_output=True).stdout
        statistics = subprocess.run(['msgfmt', '--check', '--statistics', '--output-file=/dev/null', '-'],
                                    input=merged, check=False, capture_output=True,
                                    env={'LC_ALL': 'C', 'PATH': '/usr/bin:/bin'})
        text = statistics.stderr.decode()
        if statistics.returncode != 0 or 'untranslated' in text or 'fuzzy' in text:
            report.add(f'po/{language}.po', text.strip())
        for message in translations((root / f'po/{language}.po').read_text(encoding='utf-8')):
            for pattern, what in TYPOGRAPHY.get(language, []):
                if pattern.search(message):
                    report.add(f'po/{language}.po', f'{what}: {message}')


if __name__ == '__main__':
    common.main(check, __doc__)
