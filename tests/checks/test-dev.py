#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""When ./dev installs packages, when it asks, and what it says where it does not install them: on a machine of its own,
whose tools write down how they were called."""

import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import unittest

DEV = pathlib.Path(__file__).resolve().parents[2] / 'dev'
TOOLS = ['sh', 'cat', 'dirname', 'env', 'mktemp', 'rm']
INSTALL = 'apt-get install -y --no-install-recommends '
BY_HAND = 'as root, run\n    apt-get update && ' + INSTALL


class Machine:
    """A copy of dev, and a PATH that has nothing but what is put there."""

    def __init__(self, folder):
        self.folder = folder
        self.bin = folder / 'bin'
        self.bin.mkdir()
        self.calls = folder / 'calls'
        shutil.copy(DEV, folder)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        # As it writes in the format that dev asks for.
        self.put('dpkg-query', 'state=not-installed; [ ! -e installed ] || state=installed\n'
                 'for name; do printf " %s %s " $state "$name"; done; exit 1')
        self.put('apt-get', f'echo "apt-get $*" >>{self.calls}; case $1 in install) : >installed ;; esac')
        self.be_user(0)

    def put(self, name, script):
        path = self.bin / name
        path.write_text(f'#!/bin/sh\n{script}\n', encoding='utf-8')
        path.chmod(0o755)

    def be_user(self, uid):
        self.put('id', f'echo {uid}')

    def put_sudo(self):
        self.put('sudo', f'echo sudo >>{self.calls}; exec "$@"')

    def run(self, *arguments, answer=None, **environment):
        """Exit status and what was said; on a terminal if there is an answer to give, else without one."""
        command = [self.folder / 'dev', *(arguments or ['setup'])]
        environment = {'PATH': str(self.bin), 'TMPDIR': str(self.folder), **environment}
        if answer is None:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  check=False)
            return done.returncode, done.stderr
        ours, theirs = pty.openpty()
        try:
            os.write(ours, answer.encode())
            done = subprocess.run(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, check=False)
            os.close(theirs)
            theirs = -1
            said = b''
            while chunk := read(ours):
                said += chunk
            return done.returncode, said.decode().replace('\r\n', '\n')
        finally:
            os.close(ours)
            if theirs >= 0:
                os.close(theirs)

    def called(self):
        return self.calls.read_text(encoding='utf-8').splitlines() if self.calls.exists() else []


def read(terminal):
    """More of what is on a terminal; nothing once nobody has its other end."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b''


class DevTest(unittest.TestCase):
    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.machine = Machine(folder)

    def assert_installs(self, said, through_sudo):
        calls = self.machine.called()
        self.assertEqual('sudo' in calls, through_sudo, calls)
        self.assertTrue(any(call.startswith(INSTALL + 'gcc ') for call in calls), calls)
        self.assertIn('Installing gcc ', said)

    def assert_refuses(self, status, said, why):
        self.assertNotEqual(status, 0)
        self.assertEqual(self.machine.called(), [])
        self.assertIn(why, said)
        self.assertIn(BY_HAND + 'gcc ', said)

    def test_root_is_not_asked(self):
        for answer in (None, 'n\n'):
            (self.machine.folder / 'installed').unlink(missing_ok=True)
            status, said = self.machine.run(answer=answer)
            self.assertEqual(status, 0, said)
            self.assert_installs(said, through_sudo=False)
            self.assertNotIn('[Y/n]', said)

    def test_ci_is_not_asked(self):
        self.machine.be_user(1000)
        self.machine.put_sudo()
        for answer in (None, 'n\n'):
            (self.machine.folder / 'installed').unlink(missing_ok=True)
            status, said = self.machine.run(answer=answer, CI='true')
            self.assertEqual(status, 0, said)
            self.assert_installs(said, through_sudo=True)
            self.assertIn('Missing packages: gcc ', said)
            self.assertNotIn('[Y/n]', said)

    def test_user_who_agrees(self):
        self.machine.be_user(1000)
        self.machine.put_sudo()
        for answer in ('\n', 'y\n', 'Yes\n'):
            (self.machine.folder / 'installed').unlink(missing_ok=True)
            status, said = self.machine.run(answer=answer)
            self.assertEqual(status, 0, said)
            self.assertLess(said.index('Missing packages: gcc '), said.index('Install them through sudo? [Y/n]'))
            self.assert_installs(said, through_sudo=True)

    def test_user_who_does_not(self):
        self.machine.be_user(1000)
        self.machine.put_sudo()
        # The last is the end of what is typed.
        for answer in ('n\n', 'No\n', 'what?\n', '\x04'):
            status, said = self.machine.run(answer=answer)
            self.assert_refuses(status, said, 'nothing was installed')
            self.assertIn('Missing packages: gcc ', said)

    def test_user_without_terminal(self):
        self.machine.be_user(1000)
        self.machine.put_sudo()
        for command in ('setup', 'build', 'demo', 'test', 'bench', 'shell'):
            status, said = self.machine.run(command)
            self.assert_refuses(status, said, 'nothing was installed, because there is no terminal to ask on')
            self.assertIn('Missing packages: gcc ', said)

    def test_user_without_sudo(self):
        self.machine.be_user(1000)
        for answer in (None, 'y\n'):
            status, said = self.machine.run(answer=answer)
            self.assert_refuses(status, said, 'there is no sudo to install them with')

    def test_installing_fails(self):
        self.machine.put('apt-get', 'echo "no network" >&2; exit 100')
        status, said = self.machine.run()
        self.assertEqual(status, 1)
        self.assertIn('no network', said)
        self.assertIn('could not install them; ' + BY_HAND + 'gcc ', said)

    def test_nothing_is_missing(self):
        (self.machine.folder / 'installed').touch()
        self.machine.be_user(1000)
        self.assertEqual(self.machine.run(), (0, ''))
        self.assertEqual(self.machine.called(), [])

    def test_more_packages(self):
        self.machine.run('setup', 'ci')
        self.assertIn(' valgrind ', self.machine.called()[-1])
        (self.machine.folder / 'installed').unlink()
        self.machine.run('setup', 'npm')
        self.assertIn(' npm ', self.machine.called()[-1] + ' ')
        self.assertNotIn(' valgrind ', self.machine.called()[-1])

    def test_another_system(self):
        (self.machine.bin / 'dpkg-query').unlink()
        status, said = self.machine.run()
        self.assertEqual(status, 1)
        self.assertIn('this is not Debian', said)
        self.machine.put('meson', 'exit 0')
        self.assertEqual(self.machine.run(), (0, ''))

    def test_mistakes(self):
        for arguments, what in ((['nonsense'], 'unknown command: nonsense'),
                                (['test', 'nonsense'], 'unknown suite: nonsense')):
            status, said = self.machine.run(*arguments)
            self.assertEqual(status, 2)
            self.assertIn(what, said)


if __name__ == '__main__':
    unittest.main()
