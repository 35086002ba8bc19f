# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The least that a program in Python does, as it finds the installed library."""

# [import]
import gi
gi.require_version('Resilient', '1')
from gi.repository import Resilient
# [end]

assert Resilient.RetryPolicy.new(3, 0.5).get_max_retries() == 3
print(f'{Resilient.MAJOR_VERSION}.{Resilient.MINOR_VERSION}.{Resilient.MICRO_VERSION}')
