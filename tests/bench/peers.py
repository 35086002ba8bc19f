# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Who else is measured: how each peer is called, whether it is there, and how it gets there."""

import os
import shutil
import subprocess
from pathlib import Path

from instructions import ENVIRONMENT

HERE = Path(__file__).parent / 'peers'
PYTHON = '/usr/bin/python3'
GO_ENV = {'GO111MODULE': 'off', 'GOPATH': '/usr/share/gocode', 'GOFLAGS': ''}

# In the order in which the tables have them.
NAMES = {
    'ours': 'resilient-client',
    'libsoup': 'libsoup alone',
    'curl': 'libcurl multi',
    'undici': 'undici RetryAgent',
    'go': 'go-retryablehttp',
    'aiohttp': 'aiohttp',
    'httpx': 'httpx',
    'contexts': 'contexts and events on httpx',
}


class Peers:
    def __init__(self, build, tools):
        self.build, self.tools = Path(build), Path(tools)
        self.commands = {name: [str(self.build / 'bench-get'), f'--peer={name}'] for name in ('ours', 'libsoup')}
        self.environment = ENVIRONMENT | {'UNDICI': str(self.tools.resolve() / 'node')}
        self.missing = {}
        self.look('curl', [self.build / 'bench-curl'], (self.build / 'bench-curl').exists(), 'libcurl4-openssl-dev')
        self.look('undici', ['node', HERE / 'undici.mjs', '--peer=undici'],
                  shutil.which('node') and (self.tools / 'node/node_modules/undici').exists(), 'node or undici')
        self.look('go', [self.build / 'bench-go'], self.build_go(), 'golang-go and go-retryablehttp')
        for name, module in (('aiohttp', 'aiohttp'), ('httpx', 'httpx'), ('contexts', 'httpx')):
            self.look(name, [PYTHON, HERE / f'{name}_peer.py', f'--peer={name}'], has_module(module),
                      f'python3-{module}')

    def look(self, name, command, there, wants):
        if there:
            self.commands[name] = [str(word) for word in command]
        else:
            self.missing[name] = wants

    def build_go(self):
        if shutil.which('go') is None:
            return False
        cache = {'GOCACHE': str((self.tools / 'go-cache').resolve())}
        return subprocess.run(['go', 'build', '-o', str(self.build / 'bench-go'), str(HERE / 'retryable.go')],
                              env=os.environ | GO_ENV | cache, capture_output=True).returncode == 0

    def __contains__(self, name):
        return name in self.commands

    def versions(self):
        """What each is, for the record."""
        found = {}
        for name, command in {
            'gcc': ['gcc', '-dumpfullversion'],
            'glib': ['pkg-config', '--modversion', 'glib-2.0'],
            'libsoup': ['pkg-config', '--modversion', 'libsoup-3.0'],
            'libcurl': ['pkg-config', '--modversion', 'libcurl'],
            'node': ['node', '--version'],
            'undici': ['node', '-p', f'require("{self.tools.resolve()}/node/node_modules/undici/package.json").version'],
            'go': ['go', 'env', 'GOVERSION'],
            'httpx': [PYTHON, '-c', 'import httpx; print(httpx.__version__)'],
            'aiohttp': [PYTHON, '-c', 'import aiohttp; print(aiohttp.__version__)'],
        }.items():
            if shutil.which(command[0]):
                run = subprocess.run(command, capture_output=True, text=True)
                if run.returncode == 0:
                    found[name] = run.stdout.strip()
        return found


def has_module(name):
    return subprocess.run([PYTHON, '-c', f'import {name}'], capture_output=True).returncode == 0
