#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Runs the demo and reads what it says: test-demo.py DEMO."""

import fcntl
import http.server
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import unittest

DEMO = sys.argv[1]
ENVIRONMENT = {**os.environ, 'LC_ALL': 'C.UTF-8', 'LANGUAGE': '', 'TERM': 'xterm', 'NO_COLOR': ''}
ESCAPE = re.compile(r'\x1b\[[?0-9;]*[A-Za-z]')


def run(*args, **environment):
    return subprocess.run([DEMO, *args], capture_output=True, text=True, encoding='utf-8', timeout=60,
                          stdin=subprocess.DEVNULL, env={**ENVIRONMENT, **environment}, check=False)


class Terminal:
    """Runs the demo on a pseudo-terminal of a given size and keeps all that it wrote."""

    def __init__(self, *args, columns=80, rows=24, **environment):
        self.primary, secondary = pty.openpty()
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack('4H', rows, columns, 0, 0))
        self.process = subprocess.Popen([DEMO, *args], stdin=secondary, stdout=secondary, stderr=secondary,
                                        env={**ENVIRONMENT, **environment})
        os.close(secondary)
        self.text = b''

    def read_until(self, wanted=None):
        while wanted is None or wanted not in self.text:
            try:
                data = os.read(self.primary, 65536)
            except OSError:
                break
            if not data:
                break
            self.text += data
        return self.text.decode('utf-8')

    def finish(self):
        text = self.read_until()
        os.close(self.primary)
        return self.process.wait(timeout=60), text


class DemoTest(unittest.TestCase):
    def assert_adds_up(self, result, requests):
        self.assertEqual(result['requests'], requests)
        self.assertEqual(result['successes'] + result['errors'] + result['timeouts'] + result['cancelled'], requests)
        self.assertEqual(result['attempts'], requests + result['retries'])
        self.assertAlmostEqual(result['success_rate'], result['successes'] / requests)
        self.assertAlmostEqual(result['success_rate'] + result['error_rate'], 1)
        self.assertTrue(0 < result['p50'] <= result['p95'] <= result['p99'] <= result['elapsed'] + 0.1, result)
        self.assertGreater(result['peak_memory_bytes'], 1 << 20)
        self.assertIs(result['exactly_once'], True)

    def run_json(self, *args):
        demo = run('--json', *args)
        self.assertEqual(demo.returncode, 0, demo.stderr)
        return json.loads(demo.stdout)

    def test_standard(self):
        result = self.run_json('--requests', '300', '--seed', '1', '--policy', 'standard')
        self.assert_adds_up(result, 300)
        # Sixteen attempts against a server that fails one of five.
        self.assertEqual(result['successes'], 300)
        self.assertGreater(result['retries'], 300)
        for fault in ('dropped', 'stalled', 'unavailable'):
            self.assertGreater(result['faults_' + fault], 10)

    def test_default(self):
        result = self.run_json('--requests', '300', '--seed', '1', '--policy', 'default')
        self.assert_adds_up(result, 300)
        # The outage is survived, and what the server does later is final.
        self.assertGreater(result['successes'], 150)
        self.assertLess(result['successes'], 297)
        self.assertGreater(result['http_errors'], 10)
        self.assertGreater(result['timeouts'], 10)
        self.assertGreaterEqual(result['retries'], 300)

    def test_no_faults(self):
        result = self.run_json('--requests', '20', '--fault-rate', '0', '--concurrency', '1')
        self.assert_adds_up(result, 20)
        self.assertEqual(result['successes'], 20)
        self.assertEqual(result['faults_dropped'] + result['faults_stalled'] + result['faults_unavailable'], 0)

    def test_nothing_but_faults(self):
        result = self.run_json('--requests', '20', '--fault-rate', '1', '--policy', 'default')
        self.assert_adds_up(result, 20)
        self.assertEqual(result['successes'], 0)

    def test_same_seed_same_faults(self):
        # At rate 1 each request that is answered meets one fault, and the default policy leaves it at that.
        first, second, other = (self.run_json('--requests', '100', '--fault-rate', '1', '--policy', 'default', '--seed', seed)
                                for seed in ('7', '7', '8'))
        faults = ('faults_dropped', 'faults_stalled', 'faults_unavailable')
        self.assertEqual(sum(first[name] for name in faults), 100)
        self.assertEqual([first[name] for name in faults], [second[name] for name in faults])
        self.assertNotEqual([first[name] for name in faults], [other[name] for name in faults])

    def test_text(self):
        demo = run('--requests', '300', '--seed', '1', '--policy', 'standard')
        self.assertEqual(demo.returncode, 0, demo.stderr)
        self.assertEqual(demo.stderr, '')
        self.assertNotIn('\x1b', demo.stdout)
        for wanted in (r'^300 requests at once', r'--seed 1$', r'^ *\d+\.\d s  answered \d+', r'^Success rate +(99|100)\.\d %$',
                       r'^Error rate +[01]\.\d %$', r'^Retry rate +\d+\.\d %$', r'^Attempts +\d+, of them \d+ retries$', r'^Elapsed +\d',
                       r'p50 .*p95 .*p99', r'^Peak memory +\d+\.\d MiB$', r'^Every request ended exactly once\.$'):
            self.assertRegex(demo.stdout, re.compile(wanted, re.MULTILINE))

    def test_every_attempt_fails(self):
        demo = run('--requests', '3', '--fault-rate', '1', '--policy', 'standard')
        self.assertEqual(demo.returncode, 0, demo.stderr)
        self.assertRegex(demo.stdout, re.compile('^Error rate +100.0 %$', re.MULTILINE))
        self.assertRegex(demo.stdout, re.compile('^Attempts +48, of them 45 retries$', re.MULTILINE))
        self.assertIn('\nThose that failed met a fault in each of the 16 attempts that the policy allows.\n', demo.stdout)

    def test_french(self):
        if not pathlib.Path(os.environ.get('RESILIENT_LOCALE_DIR', ''), 'fr').is_dir():
            self.skipTest('the build has no translations')
        demo = run('--requests', '100', '--seed', '1', '--policy', 'default', LANGUAGE='fr')
        self.assertEqual(demo.returncode, 0, demo.stderr)
        for wanted in (r'^100 requêtes d’un coup, 64 en cours au plus, avec la politique «\xa0default\xa0»$', r'--seed 1$',
                       r'  abouties \d+  échouées \d+  en cours 0  en pause 0  en attente 0  relances \d+$',
                       r'^Taux de réussite +\d+\.\d\xa0%$', r'^Tentatives +\d+, dont \d+ relances$',
                       r'^Pannes rencontrées +coupures\xa0: \d+, silences\xa0: \d+, réponses 503\xa0: \d+$',
                       r'^Mémoire maximale +\d+\.\d\xa0Mio$', r'^Chaque requête s’est terminée exactement une fois\.$',
                       r'^Pour un serveur comme celui-ci, essayez --policy standard\.$'):
            self.assertRegex(demo.stdout, re.compile(wanted, re.MULTILINE))
        # Nothing is left in English.
        for word in ('request', 'retries', 'Every', 'answered', 'Elapsed', 'Peak', 'rate'):
            self.assertNotIn(word, demo.stdout)
        demo = run('--policy', 'none', LANGUAGE='fr')
        self.assertEqual(demo.returncode, 2)
        self.assertIn('La politique «\xa0none\xa0» n’existe pas', demo.stderr)
        demo = run('--help', LANGUAGE='fr')
        self.assertEqual(demo.returncode, 0)
        self.assertIn('--fault-rate=PART', demo.stdout)
        self.assertIn('Politique de relance\xa0: «\xa0default\xa0» ou «\xa0standard\xa0»', demo.stdout)

    def test_wrong_options(self):
        for args, message in ((['--frob'], '--frob'), (['--policy', 'none'], 'none'), (['--requests', '-1'], '-1'),
                              (['--requests', '0'], 'not 0'),
                              (['--concurrency', '0'], 'concurrency'), (['--fault-rate', '2'], 'fault rate'),
                              (['--fault-rate', 'nan'], 'fault rate'), (['--seed', '-5'], 'seed')):
            with self.subTest(args=args):
                demo = run(*args)
                self.assertEqual(demo.returncode, 2)
                self.assertIn(message, demo.stderr)
                self.assertEqual(demo.stdout, '')

    def test_help(self):
        demo = run('--help')
        self.assertEqual(demo.returncode, 0)
        for option in ('--policy', '--requests', '--concurrency', '--fault-rate', '--seed', '--json'):
            self.assertIn(option, demo.stdout)

    def test_uris(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(404 if self.path == '/missing' else 200)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_args):
                pass

        with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            base = f'http://127.0.0.1:{server.server_port}'
            result = self.run_json(base + '/', base + '/missing')
            self.assert_adds_up(result, 2)
            self.assertEqual((result['successes'], result['http_errors']), (1, 1))
            result = self.run_json('--requests', '10', base + '/')
            self.assert_adds_up(result, 10)
            self.assertEqual(result['successes'], 10)
            server.shutdown()

    def test_terminal(self):
        for columns, rows in ((80, 24), (40, 24), (120, 8), (12, 3)):
            with self.subTest(columns=columns, rows=rows):
                status, text = Terminal('--requests', '30', '--fault-rate', '0.1', columns=columns, rows=rows).finish()
                self.assertEqual(status, 0, text)
                hidden, shown = text.index('\x1b[?25l'), text.rindex('\x1b[?25h')
                self.assertLess(hidden, shown)
                frames = text[hidden:shown]
                self.assertIn('█', frames)
                self.assertIn('\x1b[32m', frames)
                for line in ESCAPE.sub('', frames).replace('\r', '').split('\n'):
                    self.assertLess(len(line), columns, line)
                # Never further up than the screen is high.
                for up in re.findall(r'\x1b\[(\d+)A', frames):
                    self.assertLess(int(up), rows)
                self.assertEqual('≤' in frames, rows >= 24)

    def test_plain_terminals(self):
        _, text = Terminal('--requests', '10', '--fault-rate', '0', TERM='dumb').finish()
        self.assertNotIn('\x1b', text)
        _, text = Terminal('--requests', '10', '--fault-rate', '0', NO_COLOR='1').finish()
        self.assertNotRegex(text, r'\x1b\[[0-9;]*m')
        _, text = Terminal('--requests', '10', '--fault-rate', '0', LC_ALL='C').finish()
        self.assertTrue(text.isascii(), text)

    def test_interrupted(self):
        terminal = Terminal('--requests', '300', '--fault-rate', '1')
        terminal.read_until(b'\x1b[J')
        terminal.process.send_signal(signal.SIGINT)
        status, text = terminal.finish()
        self.assertEqual(status, 128 + signal.SIGINT)
        self.assertGreater(text.rindex('\x1b[?25h'), text.rindex('\x1b[?25l'))
        self.assertIn('Every request ended exactly once.', text)
        self.assertIn('cancelled: 300', text)
        self.assertNotIn('met a fault', text)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
