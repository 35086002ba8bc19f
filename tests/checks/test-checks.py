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
import unittest.mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / 'bench'), str(HERE.parent.parent / 'docs')]
sys.dont_write_bytecode = True

import align  # noqa: E402
import common  # noqa: E402
import formatting  # noqa: E402
import record  # noqa: E402
import snippets  # noqa: E402
import summary  # noqa: E402

TAGS = 'SPDX-FileCopyright' 'Text: X\nSPDX-License-' 'Identifier: MIT\n'

ANNOTATIONS = '# ' + TAGS.replace('\n', '\n# ') + '''
version = 1

[[annotations]]
path = ["d/**", "*.svg"]
''' + TAGS.replace(': ', ' = "').replace('\n', '"\n')

DOAP = '''<Project xmlns="http://usefulinc.com/ns/doap#" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <name>x</name><license rdf:resource="http://spdx.org/licenses/MIT"/>
</Project>
'''

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

HEADER = '''#pragma once

RESILIENT_AVAILABLE_IN_1_0
ResilientA *resilient_a_new      (void) G_GNUC_WARN_UNUSED_RESULT;
RESILIENT_AVAILABLE_IN_1_0
void        resilient_a_free     (ResilientA    *self);
RESILIENT_AVAILABLE_IN_1_0
const char *resilient_a_get_more (ResilientA    *self,
                                  const guint8   key[16],
                                  GError       **error);

RESILIENT_AVAILABLE_IN_1_0
double resilient_a_get_time (ResilientA *self);
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

    def write_layers(self, *names):
        self.write('resilient-client/meson.build', f'x = 1\nlayers = {list(names)}\n')

    def test_layers(self):
        self.write_layers('base', 'model', 'transport', 'engine')
        guard = '#pragma once\n#if !defined(RESILIENT_INSIDE)\n#error\n#endif\n'
        self.write('resilient-client/resilient.h', '#pragma once\n#include "resilient-thing.h"\n')
        self.write('resilient-client/base/resilient-base-private.h', '#pragma once\n')
        self.write('resilient-client/model/resilient-thing.h', guard)
        self.write('resilient-client/engine/resilient-go-private.h', '#pragma once\n')
        source = 'resilient-client/model/resilient-thing.c'
        good = '#include "config.h"\n#include "resilient-thing.h"\n#include "resilient-base-private.h"\n'
        self.write(source, good)
        self.assert_clean('layers', [])
        for line, what in (('#include "resilient-go-private.h"', 'model includes'),
                           ('#include <resilient-thing.h>', 'in quotes'),
                           ('#include "model/resilient-thing.h"', 'bare name'),
                           ('#include "resilient-none.h"', 'does not exist'),
                           ('#include "resilient.h"', 'for users'),
                           ('# include <libsoup/soup.h>', 'libsoup in the model layer')):
            self.write(source, good + line + '\n')
            findings = self.findings('layers', [])
            self.assertTrue(any(what in finding for finding in findings), (line, findings))
        self.write(source, good.replace('#include "config.h"\n', ''))
        self.assert_finds('config.h first', 'layers', [])
        self.write(source, good)
        self.write('resilient-client/model/resilient-thing.h', '#pragma once\n')
        self.assert_finds('without the include guard', 'layers', [])
        self.write('resilient-client/model/resilient-thing.h',
                   guard + '#include "resilient-base-private.h"\n')
        self.assert_finds('a public header includes', 'layers', [])
        self.write('resilient-client/model/resilient-thing.h', guard.replace('#pragma once\n', ''))
        self.assert_finds('no #pragma once', 'layers', [])
        self.write('resilient-client/model/resilient-thing.h', guard)
        self.write('resilient-client/model/resilient-response.c',
                   '#include "config.h"\n#include <libsoup/soup.h>\n')
        self.assert_clean('layers', [])

    def test_layers_that_are_strangers(self):
        self.write_layers('base', 'transport', 'direct', 'soup', 'engine')
        for layer in ('base', 'transport', 'direct', 'soup'):
            self.write(f'resilient-client/{layer}/resilient-{layer}-private.h', '#pragma once\n')
        source = 'resilient-client/soup/resilient-soup.c'
        self.write(source, '#include "config.h"\n#include "resilient-transport-private.h"\n')
        self.assert_clean('layers', [])
        self.write(source, '#include "config.h"\n#include "resilient-direct-private.h"\n')
        self.assert_finds('soup includes resilient-direct-private.h of direct', 'layers', [])

    def test_sessions(self):
        self.write_layers('transport', 'engine', 'client')
        self.write('resilient-client/transport/resilient-a.c', '#include "config.h"\nsoup_session_abort (session);\n')
        source = 'resilient-client/engine/resilient-b.c'
        self.write(source, '#include "config.h"\n/* A SoupSession */ SoupSessionFeature *feature;\n')
        self.assert_clean('layers', [])
        self.write(source, '#include "config.h"\nSoupSession *session;\n')
        self.assert_finds("resilient-b.c: libsoup's session", 'layers', [])
        self.assert_clean('layers', ['engine/resilient-b.c'])
        self.write(source, '#include "config.h"\n')
        self.assert_finds('engine/resilient-b.c is free', 'layers', ['engine/resilient-b.c'])
        # Once it has a layer.
        self.write_layers('transport', 'soup', 'engine', 'client')
        self.assert_finds("resilient-a.c: libsoup's session", 'layers', [])

    def test_layers_of_test_kit(self):
        self.write_layers('base', 'client')
        guard = '#pragma once\n#if !defined(RESILIENT_TEST_INSIDE)\n#error\n#endif\n'
        good = '#include "config.h"\n#include "resilient-test-a.h"\n#include "resilient-seams-private.h"\n'
        self.write('resilient-client/base/resilient-base-private.h', '#pragma once\n')
        self.write('resilient-client/client/resilient-seams-private.h', '#pragma once\n')
        self.write('resilient-client/testkit/resilient-test.h', '#pragma once\n#include <resilient.h>\n'
                   '#define RESILIENT_TEST_INSIDE\n#include "resilient-test-a.h"\n')
        self.write('resilient-client/testkit/resilient-test-a.h', guard)
        self.write('resilient-client/testkit/resilient-test-a.c', good)
        self.write('resilient-client/testkit/fault/fault-a.c', '#include "config.h"\n#include <gio/gio.h>\n')
        self.assert_clean('layers', [])
        self.write('resilient-client/testkit/resilient-test-a.c',
                   good + '#include "resilient-base-private.h"\n')
        self.assert_finds('the kit includes', 'layers', [])
        self.write('resilient-client/testkit/resilient-test-a.c', good)
        self.write('resilient-client/testkit/fault/fault-a.c', '#include "config.h"\n#include "resilient-test-a.h"\n')
        self.assert_finds('the server of the kit includes', 'layers', [])
        self.write('resilient-client/testkit/fault/fault-a.c', '#include "config.h"\n')
        self.write('resilient-client/testkit/fault/b.c', '#include "config.h"\n#include "resilient-test-a.h"\n')
        self.assert_finds('the server of the kit includes', 'layers', [])
        self.write('resilient-client/testkit/fault/b.c', '#include "config.h"\n')
        self.write('resilient-client/client/resilient-b.c', '#include "config.h"\n#include "resilient-test-a.h"\n')
        self.assert_finds('the library includes', 'layers', [])

    def test_layers_without_sources(self):
        self.write_layers('base')
        self.assert_finds('no sources', 'layers', [])

    def test_circles(self):
        folder = 'resilient-client/engine/'
        self.write(folder + 'resilient-a-private.h', '#include "resilient-b-private.h"\nvoid resilient_a_go (void);\n')
        self.write(folder + 'resilient-a.c', '#include "resilient-a-private.h"\n\nvoid\nresilient_a_go (void)\n{\n}\n')
        header = 'void resilient_b_go (void);\nvoid resilient_b_stop (void);\n'
        self.write(folder + 'resilient-b-private.h', header)
        source = ('#include "resilient-b-private.h"\n\n/* resilient_a_go () */\n'
                  'static void\nstop (int a,\n      int b)\n{\n  puts ("resilient_a_go");\n}\n')
        self.write(folder + 'resilient-b.c', source)
        # The same name in another layer is another.
        self.write('resilient-client/base/resilient-b.c', '#include "resilient-a-private.h"\n')
        self.assert_clean('circles')

        self.write(folder + 'resilient-b.c', '#include "resilient-a-private.h"\n' + source)
        self.assert_finds('a circle of "a b": a knows b; b knows a', 'circles')
        # By a function, whatever header declares it.
        self.write(folder + 'resilient-b.c', source + '\nvoid\nresilient_b_go (void)\n{\n  resilient_a_go ();\n}\n')
        self.assert_finds('a circle of "a b"', 'circles')
        self.write(folder + 'resilient-b.c', source + '\nvoid\nresilient_b_go (void)\n{\n  resilient_b_stop ();\n}\n')
        self.write(folder + 'resilient-b-stop.c',
                   '#include "resilient-b-private.h"\n\nvoid\nresilient_b_stop (void)\n{\n}\n')
        self.assert_finds('a circle of "b b-stop"', 'circles')

    def test_structs(self):
        header, source = 'resilient-client/base/resilient-a-private.h', 'resilient-client/base/resilient-a.c'
        body = '{\n  int a; /* one */\n}'
        good = (f'typedef struct\n{body} ResilientValue;\nstruct _ResilientEmbedded\n{body};\n'
                'typedef struct _ResilientA ResilientA;\nResilientA *resilient_a_new (int a);\n'
                'void resilient_a_free (ResilientA *self);\nvoid resilient_value_init (ResilientValue *value);\n')
        self.write(header, good)
        self.write(source, f'struct _ResilientA\n{body};\n')
        self.assert_clean('structs', [])
        self.assert_finds('ResilientA is private to one source', 'structs', ['ResilientA'])
        self.write('resilient-client/base/resilient-b.c', f'struct _ResilientA\n{body};\n')
        self.assertEqual(len(self.findings('structs', [])), 2)
        self.write('resilient-client/base/resilient-b.c', '')
        for more in (f'struct _ResilientA\n{body};\n', f'typedef struct _ResilientA\n{body} ResilientA;\n'):
            self.write(header, good + more)
            self.write(source, '')
            self.assert_finds('a-private.h:', 'structs', [])
            self.assert_clean('structs', ['ResilientA'])
        self.write(header, good.replace('void resilient_value_init', 'ResilientValue *resilient_value_copy'))
        self.assert_finds('the struct of ResilientValue', 'structs', [])

    def test_openings(self):
        source, header = 'resilient-client/base/resilient-a.c', 'resilient-client/base/resilient-a-private.h'
        licence = '/* ' + TAGS.rstrip() + ' */\n\n'
        words = '/* What it is and what it owns, for any thread. */\n'
        good = licence + words + '\n#include "config.h"\n\nint a;\n'
        self.write(source, good)
        self.write(header, licence + '#pragma once\n\nG_BEGIN_DECLS\n\n' + words + 'typedef struct _ResilientA ResilientA;\n')
        self.write('resilient-client/base/resilient-a.h', licence + '#pragma once\n')
        self.assert_clean('openings')
        for text in (licence + '#include "config.h"\n\n' + words + '\nint a;\n',
                     licence + '#include "config.h"\n\n/**\n * ResilientA:\n *\n * A thing.\n */\nint a;\n'):
            self.write(source, text)
            self.assert_clean('openings')
        for text, what in ((licence + '#include "config.h"\n\nint a;\n' + words, 'does not open'),
                           (licence + words + 'int a;\n', 'the comment of something'),
                           (licence + '/**\n * resilient_a:\n *\n * Does something or other for you.\n */\n\n', 'a function'),
                           (licence + '/* A thing. */\n\nint a;\n', 'too little')):
            self.write(source, text)
            self.assert_finds(what, 'openings')

    def test_architecture(self):
        self.write_layers('base', 'engine')
        self.write('resilient-client/base/resilient-a.c', 'static int\ngo (int a,\n    int b)\n{\n  stop ();\n}\n')
        self.write('resilient-client/engine/resilient-b.c', '/* go () { } */\nint go (void);\n')
        self.write('resilient-client/engine/resilient-call-machine.c',
                   'static const guint16 edges[RESILIENT_MACHINE_N_STATES] = {\n'
                   '  [RESILIENT_MACHINE_STATE_NEW] =\n    TO (QUEUED) | TO (DONE),\n'
                   '  [RESILIENT_MACHINE_STATE_QUEUED] = TO (DONE),\n  [RESILIENT_MACHINE_STATE_DONE] = 0,\n};\n')
        self.write('tests/unit/test-a.c', 'x\n')
        good = ('`base ← engine`\n\n| `base` | a |\n| `engine` | b |\n| `resilient-client/` | c |\n| `docs/` | c |\n'
                '| `tests/` | d |\n| 1 | `base/resilient-a.c`: `go ()`, then `soup_session_abort ()` |\n\n## The states of a call\n\n'
                '| `new` | n | queued, done |\n| `queued` | q | done |\n| `done` | d | |\n\n## Threads\n')
        page = 'docs/architecture.md'
        self.write(page, good)
        self.assert_clean('architecture')
        for old, new, what in (('a.c`', 'c.c`', 'base/resilient-c.c does not exist'), ('`go', '`stop', 'stop () is not defined'),
                               ('base/resilient-a.c', 'engine/resilient-b.c', 'go () is not defined'),
                               ('`base/resilient-a.c`: ', '', 'go () is not defined'), (' ← ', ' → ', 'the layers'),
                               ('| `engine` | b |', '', 'the layer engine'), ('`tests/`', 'tests', 'nothing is told of tests/'),
                               ('queued, done', 'queued', 'of the state new'), ('| `queued` | q | done |\n', '', 'of the state queued'),
                               ('| `done` | d | |', '| `done` | d | new |', 'of the state done')):
            self.assertIn(old, good)
            self.write(page, good.replace(old, new))
            self.assert_finds(what, 'architecture')
        self.write(page, good)
        self.write('resilient-client/extra/a.c', 'x\n')
        self.assert_finds('nothing is told of resilient-client/extra/', 'architecture')

    @unittest.skipUnless(formatting.find_tool(), 'clang-format is missing')
    def test_formatting(self):
        self.assert_finds('no sources', 'formatting')
        self.write('.clang-format', 'BasedOnStyle: GNU\n')
        good = 'int\nf (void)\n{\n  return 1;\n}\n'
        self.write('tests/a b.c', good)
        self.write('b.h', 'int f (void);\n')
        self.write('b.md', 'int f(void);\n')
        self.assert_clean('formatting')
        self.write('b.h', '\nint f( void );\nint g( void );\n')
        self.assert_finds('b.h:2: 6 differences', 'formatting')
        formatting.fix(self.root)
        self.assert_clean('formatting')
        # Public headers have another look.
        header = 'resilient-client/base/resilient-a.h'
        self.write(header, HEADER)
        self.assert_clean('formatting')
        self.write(header, HEADER.replace('get_more (Res', 'get_more(Res'))
        self.assert_finds('resilient-a.h: its declarations are not in columns', 'formatting')
        formatting.fix(self.root)
        self.assertEqual((self.root / header).read_text(encoding='utf-8'), HEADER)

    def test_align(self):
        self.assertEqual(align.align(HEADER), HEADER)
        for old, new in (('  resilient_a_free', ' resilient_a_free'), (',\n' + 34 * ' ', ', '), ('  *self', ' *self'),
                         ('(void)', '(\n void )'), ('void        resilient', 'void resilient')):
            self.assertIn(old, HEADER)
            self.assertEqual(align.align(HEADER.replace(old, new)), HEADER, (old, new))

    @unittest.mock.patch('shutil.which', lambda name: None)
    def test_formatting_without_the_tool(self):
        self.write('a.c', '')
        with self.assertRaisesRegex(common.Skip, 'clang-format 14 is not installed'):
            self.findings('formatting')

    def test_users(self):
        self.write('examples/c/a.c', '#include <resilient.h>\n')
        self.write('tests/consumer/a.cpp', '#include <resilient.h>\n#include <resilient-test.h>\n')
        self.assert_clean('users')
        self.write('tests/consumer/a.cpp', '#include "../resilient-clock-private.h"\n')
        self.assert_finds('resilient-clock-private.h', 'users')

    # By itself, and not by the tool that it asks besides.
    @unittest.mock.patch('shutil.which', lambda name: None)
    def test_licences(self):
        self.write('LICENSES/MIT.txt', 'text')
        self.write('a.c', TAGS)
        self.write('b.pem', 'x')
        self.write('b.pem.license', TAGS)
        self.write('c.svg', 'x')
        self.write('d/e/f.png', 'x')
        self.write('REUSE.toml', ANNOTATIONS)
        self.assert_clean('licences')
        self.write('f/c.svg', 'x')
        self.assertEqual(len(self.findings('licences')), 2)
        (self.root / 'f/c.svg').unlink()
        self.write('a.c', TAGS.split('\n', maxsplit=1)[0] + '\n')
        self.assert_finds('no SPDX-License', 'licences')
        self.write('a.c', TAGS.replace('MIT', 'Zlib'))
        self.assert_finds('LICENSES/Zlib.txt', 'licences')

    def test_links(self):
        self.write('docs/b.md', '[a](../a.md#top) [tests](../tests) ![plot](c.svg)\n')
        self.write('docs/c.svg', 'x\n')
        self.write('tests/t.c', 'x\n')
        good = '[b](docs/b.md), [elsewhere](https://example.org/x), [here](#top), `[x](none)`\n\n```\nf[0](none)\n```\n'
        self.write('a.md', good)
        self.assert_clean('links')
        for link in ('docs/b.html', 'b.md', 'docs/none.md#top', '_build/b.md'):
            self.write('a.md', good + f'[x]({link})\n')
            self.assert_finds(f'a.md:6: {link} does not exist', 'links')

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

    def test_project_files(self):
        wanted = ['.ci/run', '.gitignore', 'a.c', 'po/a.po', 'sub/_build/a.c', 'sub/a.pot', 'sub/deep/a.pot']
        others = ['.git/config', '.vscode/a.json', '_build/a.c', '_build-x/deep/a.c', 'a.c~', 'po/a.pot', 'sub/a.mo',
                  'sub/__pycache__/a.pyc']
        for path in [*wanted, *others]:
            self.write(path, 'x\n')
        self.write('.gitignore', '# comment\n/.*/\n!/.ci/\n\n/_build*/\n__pycache__/\n*.mo\n/po/*.pot\n*~\n')
        # Whoever it belongs to, and whether git is there or not.
        self.assertEqual([str(path) for path in common.project_files(self.root)], wanted)
        (self.root / '.gitignore').unlink()
        self.assertEqual(len(common.project_files(self.root)), len(wanted) + len(others) - 2)

    @unittest.skipUnless(shutil.which('git'), 'git is missing')
    def test_project_files_are_those_of_git(self):
        subprocess.run(['git', 'init', '--quiet', self.root], check=True)
        shutil.copy(HERE.parent.parent / '.gitignore', self.root)
        for path in ('.ci/run', '.cache/a', 'a.c', '_build/a.c', 'po/a.pot', 'po/a.po', 'sub/a.mo', 'sub/_build/a', 'a~'):
            self.write(path, 'x\n')
        git = subprocess.run(['git', '-C', self.root, 'ls-files', '--others', '--exclude-standard'],
                             check=True, capture_output=True, text=True)
        self.assertEqual([str(path) for path in common.project_files(self.root)], sorted(git.stdout.split()))

    @unittest.skipUnless(shutil.which('reuse'), 'reuse is missing')
    def test_licences_without_git(self):
        self.write('LICENSES/MIT.txt', 'text')
        self.write('a.c', TAGS)
        # Whichever of the forms the tool knows.
        self.write('REUSE.toml', ANNOTATIONS)
        self.write('c.svg', 'x')
        self.write('d/e/f.png', 'x')
        self.write('.gitignore', '_build/\n# ' + TAGS.replace('\n', '\n# ') + '\n')
        self.write('_build/b.c', 'no tags\n')
        # Not a repository that git could read.
        self.write('.git/config', 'x\n')
        self.assert_clean('licences')
        self.write('LICENSES/Zlib.txt', 'text')
        self.assert_finds('Unused licenses: Zlib', 'licences')

    def test_release(self):
        build = "project('x',\n  version: '1.2.3',\n  license: 'MIT',\n)\n"
        self.write('x.doap', DOAP)
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
        self.write(macros, '#define RESILIENT_AVAILABLE_IN_1_2 extern\n')
        for old, new, what in (('>x<', '>y<', 'is not of x'), ('/MIT', '/Zlib', 'the licence, MIT'),
                               ('</P', '</Q', 'not XML')):
            self.write('x.doap', DOAP.replace(old, new))
            self.assert_finds(what, 'release')

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

    def test_verdicts_of_benchmarks(self):
        for figure, bar, verdict in (('0.26 ×', '≥ 0.27 ×', 'MISSED'), ('0.27 ×', '≥ 0.27 ×', 'met'),
                                     ('1,024.00 bytes', '≤ 1,024 bytes', 'met'), ('1,024.01 bytes', '≤ 1,024 bytes', 'MISSED'),
                                     ('-2', '≤ 16', 'met'), ('98.50 %', '≥ 98.5 %', 'met')):
            self.assertEqual(record.verdict(figure, bar), verdict, (figure, bar))
        figures = {'get': {'ours': {'per_second': 8897.4}, 'other': {'per_second': 9712.0}}}
        row = {'question': 'ours ÷ other', 'figure': '1.02 ×', 'ratio': ['get', 'ours', 'other', 'per_second'],
               'bar': '≥ 0.98 ×', 'verdict': 'met'}
        # The page has what follows from its figures, and no bars.
        self.assertEqual(record.table([record.shown(row)], figures), '| | |\n|---|---:|\n| ours ÷ other | 0.92 × |\n')

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
        counts, failed, unstable, skipped = summary.count(log)
        # tap 1 1 1, crash 1 1 0, gtest 2 0 1, plain 1 0 0, timeout 0 1 0, skip 0 0 1
        self.assertEqual(counts, {'passed': 5, 'failed': 3, 'skipped': 3})
        self.assertEqual(failed, [('p:unit / tap (fail)', ['not ok 2 FAIL', 'words']),
                                  ('p:unit / crash (error)', ['not ok 2 ERROR', 'words']),
                                  ('p:docs / timeout (timeout)', ['not ok 2 TIMEOUT', 'words'])])
        self.assertEqual((unstable, skipped), ([], ['p:docs / skip']))
        self.assertEqual(summary.failed_programs(log), ['tap', 'crash', 'timeout'])

        # Run again: one passes each time, one only once.
        self.write('again.json', ''.join(
            json.dumps({'name': name, 'result': result}) + '\n'
            for name, result in (('p:unit / tap', 'OK'), ('p:unit / tap', 'OK'),
                                 ('p:unit / crash', 'OK'), ('p:unit / crash', 'FAIL'))))
        counts, failed, unstable, _ = summary.count(log)
        self.assertEqual(counts, {'passed': 6, 'failed': 2, 'skipped': 3})
        self.assertEqual([name for name, _ in failed], ['p:unit / crash (error)', 'p:docs / timeout (timeout)'])
        self.assertEqual(unstable, [('p:unit / tap (fail once, passed 2 times alone)', ['not ok 2 FAIL', 'words'])])


if __name__ == '__main__':
    unittest.main()
