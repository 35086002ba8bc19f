#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Shows every check, and what counts the tests, a small tree that is right and then wrong in one way
after the other."""

import importlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent / 'docs')]
sys.dont_write_bytecode = True

import common  # noqa: E402
import snippets  # noqa: E402
import summary  # noqa: E402

TAGS = 'SPDX-FileCopyright' 'Text: X\nSPDX-License-' 'Identifier: MIT\n'

GIR = '''<?xml version="1.0"?>
<repository version="1.2" xmlns="http://www.gtk.org/introspection/core/1.0"
            xmlns:c="http://www.gtk.org/introspection/c/1.0"
            xmlns:glib="http://www.gtk.org/introspection/glib/1.0">
  <namespace name="Resilient" version="1">
    <record name="Thing" c:type="ResilientThing" version="1.0"
            glib:type-name="ResilientThing" glib:get-type="resilient_thing_get_type">
      <doc>A thing.</doc>
      <method name="poke" c:identifier="resilient_thing_poke" version="1.0" throws="1">
        <doc>Pokes it.</doc>
        <return-value transfer-ownership="full"><doc>a thing, or %NULL</doc><type name="Thing" c:type="ResilientThing*"/></return-value>
        <parameters><parameter name="force"><doc>how hard</doc><type name="gdouble"/></parameter></parameters>
      </method>
    </record>
  </namespace>
</repository>
'''


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
        return path

    def findings(self, check, *arguments):
        report = common.Report()
        importlib.import_module(check).check(self.root, report, *arguments)
        return report.findings

    def assert_finds(self, what, check, *arguments):
        findings = self.findings(check, *arguments)
        self.assertEqual(len(findings), 1, findings)
        self.assertIn(what, findings[0])

    def assert_clean(self, check, *arguments):
        self.assertEqual(self.findings(check, *arguments), [])

    def test_layers(self):
        guard = '#pragma once\n#if !defined(RESILIENT_INSIDE)\n#error\n#endif\n'
        self.write('resilient-client/resilient.h', '#pragma once\n#include "resilient-thing.h"\n')
        self.write('resilient-client/base/resilient-base-private.h', '#pragma once\n')
        self.write('resilient-client/model/resilient-thing.h', guard)
        self.write('resilient-client/engine/resilient-go-private.h', '#pragma once\n')
        source = 'resilient-client/model/resilient-thing.c'
        good = '#include "config.h"\n#include "resilient-thing.h"\n#include "resilient-base-private.h"\n'
        self.write(source, good)
        self.assert_clean('layers')
        for line, what in (('#include "resilient-go-private.h"', 'model includes'),
                           ('#include <resilient-thing.h>', 'in quotes'),
                           ('#include "model/resilient-thing.h"', 'bare name'),
                           ('#include "resilient-none.h"', 'does not exist'),
                           ('#include "resilient.h"', 'for users'),
                           ('# include <libsoup/soup.h>', 'libsoup in the model layer')):
            self.write(source, good + line + '\n')
            findings = self.findings('layers')
            self.assertTrue(any(what in finding for finding in findings), (line, findings))
        self.write(source, good.replace('#include "config.h"\n', ''))
        self.assert_finds('config.h first', 'layers')
        self.write(source, good)
        self.write('resilient-client/model/resilient-thing.h', '#pragma once\n')
        self.assert_finds('without the include guard', 'layers')
        self.write('resilient-client/model/resilient-thing.h',
                   guard + '#include "resilient-base-private.h"\n')
        self.assert_finds('a public header includes', 'layers')
        self.write('resilient-client/model/resilient-thing.h', guard.replace('#pragma once\n', ''))
        self.assert_finds('no #pragma once', 'layers')
        self.write('resilient-client/model/resilient-thing.h', guard)
        self.write('resilient-client/model/resilient-response.c',
                   '#include "config.h"\n#include <libsoup/soup.h>\n')
        self.assert_clean('layers')

    def test_layers_of_test_kit(self):
        guard = '#pragma once\n#if !defined(RESILIENT_TEST_INSIDE)\n#error\n#endif\n'
        good = '#include "config.h"\n#include "resilient-test-a.h"\n#include "resilient-seams-private.h"\n'
        self.write('resilient-client/base/resilient-base-private.h', '#pragma once\n')
        self.write('resilient-client/client/resilient-seams-private.h', '#pragma once\n')
        self.write('resilient-client/testkit/resilient-test.h', '#pragma once\n#include <resilient.h>\n'
                   '#define RESILIENT_TEST_INSIDE\n#include "resilient-test-a.h"\n')
        self.write('resilient-client/testkit/resilient-test-a.h', guard)
        self.write('resilient-client/testkit/resilient-test-a.c', good)
        self.write('resilient-client/testkit/fault-a.c', '#include "config.h"\n#include <gio/gio.h>\n')
        self.assert_clean('layers')
        self.write('resilient-client/testkit/resilient-test-a.c',
                   good + '#include "resilient-base-private.h"\n')
        self.assert_finds('the kit includes', 'layers')
        self.write('resilient-client/testkit/resilient-test-a.c', good)
        self.write('resilient-client/testkit/fault-a.c', '#include "config.h"\n#include "resilient-test-a.h"\n')
        self.assert_finds('the server of the kit includes', 'layers')
        self.write('resilient-client/testkit/fault-a.c', '#include "config.h"\n')
        self.write('resilient-client/client/resilient-b.c', '#include "config.h"\n#include "resilient-test-a.h"\n')
        self.assert_finds('the library includes', 'layers')

    def test_layers_without_sources(self):
        self.assert_finds('no sources', 'layers')

    def test_users(self):
        self.write('examples/c/a.c', '#include <resilient.h>\n')
        self.write('tests/consumer/a.cpp', '#include <resilient.h>\n#include <resilient-test.h>\n')
        self.assert_clean('users')
        self.write('tests/consumer/a.cpp', '#include "../resilient-clock-private.h"\n')
        self.assert_finds('resilient-clock-private.h', 'users')

    def test_sizes(self):
        self.write('resilient-client/base/a.c', '\n' * 400)
        self.assert_clean('sizes')
        self.write('resilient-client/base/a.c', '\n' * 401)
        self.assert_finds('401 lines', 'sizes')

    def test_licences(self):
        self.write('LICENSES/MIT.txt', 'text')
        self.write('a.c', TAGS)
        self.write('b.pem', 'x')
        self.write('b.pem.license', TAGS)
        self.write('c.svg', 'x')
        self.write('.reuse/dep5', 'Files: *.png\n *.svg\nCopyright: X\nLicense: MIT\n')
        self.assert_clean('licences')
        self.write('a.c', TAGS.split('\n', maxsplit=1)[0] + '\n')
        self.assert_finds('no SPDX-License', 'licences')
        self.write('a.c', TAGS.replace('MIT', 'Zlib'))
        self.assert_finds('LICENSES/Zlib.txt', 'licences')

    def test_translations(self):
        self.write('resilient-client/base/a.c', 'puts (_("Hello"));\n')
        self.write('resilient-client/base/b.c', 'puts ("none");\n')
        self.write('po/POTFILES.in', '# comment\nresilient-client/base/a.c\n')
        self.write('po/LINGUAS', '')
        self.assert_clean('translations')
        self.write('resilient-client/base/b.c', 'puts (_("Bye"));\n')
        self.assert_finds('b.c has messages', 'translations')
        self.write('resilient-client/base/b.c', '')
        self.write('po/POTFILES.in', 'resilient-client/base/a.c\nresilient-client/base/b.c\n')
        self.assert_finds('b.c is listed', 'translations')
        self.write('resilient-client/base/b.c', 'puts (_("All " "%" G_GUINT64_FORMAT " bytes"), n);\n')
        self.assert_finds('a macro cuts', 'translations')
        self.write('resilient-client/base/b.c', 'g_set_error (error, DOMAIN, CODE, _("The %s broke"), "thing");\n')
        self.assert_clean('translations')
        self.write('resilient-client/base/b.c', 'puts (_("It"));\ng_set_error (error, DOMAIN, CODE,\n"The %s broke", "thing");\n')
        self.assert_finds('The %s broke', 'translations')

    @unittest.skipUnless(shutil.which('xgettext'), 'gettext is missing')
    def test_catalogues(self):
        self.write('resilient-client/base/a.c', 'puts (_("Hello"));\n')
        self.write('po/POTFILES.in', 'resilient-client/base/a.c\n')
        self.write('po/LINGUAS', 'fr\n')
        self.assert_finds('fr: po file is missing', 'translations')
        header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        self.write('po/fr.po', header + 'msgid "Hello"\nmsgstr "Bonjour"\n')
        self.assert_clean('translations')
        self.write('po/fr.po', header)
        self.assert_finds('untranslated', 'translations')
        self.write('po/fr.po', header + '#, fuzzy\nmsgid "Hello"\nmsgstr "Bonjour"\n')
        self.assert_finds('fuzzy', 'translations')
        for text in ("Rien n'y fait", 'Vraiment ?', '« Bonjour »', 'Bonjour: vous', '20 %%', 'Bonjour...'):
            self.write('po/fr.po', header + f'msgid "Hello"\nmsgstr ""\n"{text}"\n')
            self.assert_finds(text, 'translations')
        self.write('po/fr.po', header + 'msgid "Hello"\nmsgstr "«\u00a0Bonjour\u00a0»\u00a0: l’un, 20\u00a0%%\u202f!"\n')
        self.assert_clean('translations')
        self.write('po/LINGUAS', '')
        self.assert_finds('is not listed', 'translations')

    def test_words(self):
        self.write('a.c', '/* words */\n')
        self.write('a.md', 'a break  \n')
        self.assert_clean('words')
        for line, what in (('/home/me/x', 'one machine'), ('see issue #12', 'an issue'),
                           ('Fixes #3', 'an issue'), ('TODO: more', 'unfinished'),
                           ('blanks ', 'blanks'), ('<<<<<<< HEAD', 'conflict')):
            self.write('a.c', line + '\n')
            self.assert_finds(what, 'words')
        self.write('a.c', 'end')
        self.assert_finds('no newline', 'words')

    @unittest.skipUnless(shutil.which('git'), 'git is missing')
    def test_words_of_what_git_ignores(self):
        subprocess.run(['git', 'init', '--quiet', self.root], check=True)
        self.write('.gitignore', '/_build\n')
        self.write('_build/a.c', 'TODO\n')
        self.assert_clean('words')
        self.write('a.c', 'TODO\n')
        self.assert_finds('a.c:1', 'words')

    def test_release(self):
        build = "project('x',\n  version: '1.2.3',\n)\n"
        macros = 'resilient-client/base/resilient-version-macros.h'
        self.write('meson.build', build)
        self.write('NEWS', '1.2.3 (unreleased)\n==================\n\nAll new.\n')
        self.write(macros, '#define RESILIENT_AVAILABLE_IN_1_2 extern\n')
        self.assert_clean('release')
        self.write('meson.build', build.replace('1.2.3', '1.2.4'))
        self.assert_finds('does not start with 1.2.4', 'release')
        self.write('meson.build', build)
        self.write(macros, '#define RESILIENT_AVAILABLE_IN_1_0 extern\n')
        self.assert_finds('no RESILIENT_AVAILABLE_IN_1_2', 'release')

    def test_documentation(self):
        self.assert_clean('documentation', self.write('a.gir', GIR))
        for old, new, what in (('<doc>A thing.</doc>', '', 'ResilientThing: is not documented'),
                               ('<doc>Pokes it.</doc>', '', 'resilient_thing_poke: is not documented'),
                               ('<doc>how hard</doc>', '', 'parameter force'),
                               ('<doc>a thing, or %NULL</doc>', '<doc/>', 'what it returns'),
                               ('a thing, or %NULL', 'a thing', 'NULL'),
                               ('_poke" version="1.0"', '_poke"', 'has no Since')):
            self.assertIn(old, GIR)
            gir = self.write('a.gir', GIR.replace(old, new))
            findings = self.findings('documentation', gir)
            self.assertTrue(any(what in finding for finding in findings), (what, findings))

    @unittest.skipUnless(shutil.which('cc') and shutil.which('nm'), 'the compiler is missing')
    def test_symbols(self):
        gir = self.write('a.gir', GIR)

        def library(code):
            source = self.write('a.c', code)
            subprocess.run(['cc', '-shared', '-fPIC', '-o', self.root / 'a.so', source], check=True)
            return self.root / 'a.so'

        good = 'void resilient_thing_get_type (void) {}\nvoid resilient_thing_poke (void) {}\n'
        self.assert_clean('symbols', library(good), gir)
        self.assert_finds('resilient_more is exported', 'symbols',
                          library(good + 'void resilient_more (void) {}\n'), gir)
        self.assert_finds('resilient_thing_poke is introspected', 'symbols',
                          library(good.replace('thing_poke (void)', 'thing_get_type_ (void)')
                                  .replace('void resilient_thing_get_type_', 'static void f')), gir)

    def test_snippets(self):
        self.write('e.c', 'int\nmain (void)\n{\n  /* [go] */\n  go ();\n    on ();\n  /* [end] */\n}\n')
        page = '<!-- include: e.c#go -->\n```c\ngo ();\n  on ();\n```\ntext\n'
        self.assertEqual(snippets.refresh(self.root, page), page)
        self.assertEqual(snippets.refresh(self.root, page.replace('go ();\n', 'old ();\n')), page)
        for wrong in (page.replace('#go', '#none'), page.replace('e.c', 'f.c'),
                      page.replace('```c\n', '')):
            with self.assertRaises(snippets.SnippetError):
                snippets.refresh(self.root, wrong)

    def test_summary(self):
        log = self.write('testlog.json', ''.join(
            json.dumps({'name': name, 'result': result, 'stdout': f'ok 1\nnot ok 2 {result}\n', 'stderr': 'words\n'})
            + '\n'
            for name, result in (('p:unit / tap', 'FAIL'), ('p:unit / crash', 'ERROR'),
                                 ('p:consumer / gtest', 'OK'), ('p:docs / plain', 'OK'),
                                 ('p:docs / timeout', 'TIMEOUT'), ('p:docs / skip', 'SKIP'))))
        self.write('testlog.junit.xml', '''<testsuites>
            <testsuite name="p.p:unit / tap"><testcase name="a"/><testcase name="b"><failure/></testcase>
              <testcase name="c"><skipped/></testcase></testsuite>
            <testsuite name="p.p:unit / crash"><testcase name="a"/></testsuite>
            <testsuite name="p.p:consumer / gtest.A"><testcase name="a"/><testcase name="b"/></testsuite>
            <testsuite name="p.p:consumer / gtest.B"><testcase name="a" status="notrun"/></testsuite>
            <testsuite name="p"><testcase name="plain"/><testcase name="timeout"/>
              <testcase name="skip"><skipped/></testcase></testsuite></testsuites>''')
        counts, failed, skipped = summary.count(log)
        # tap 1 1 1, crash 1 1 0, gtest 2 0 1, plain 1 0 0, timeout 0 1 0, skip 0 0 1
        self.assertEqual(counts, {'passed': 5, 'failed': 3, 'skipped': 3})
        self.assertEqual(failed, [('p:unit / tap (fail)', ['not ok 2 FAIL', 'words']),
                                  ('p:unit / crash (error)', ['not ok 2 ERROR', 'words']),
                                  ('p:docs / timeout (timeout)', ['not ok 2 TIMEOUT', 'words'])])
        self.assertEqual(skipped, ['p:docs / skip'])


if __name__ == '__main__':
    unittest.main()
