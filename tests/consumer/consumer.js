// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// The least that a program in JavaScript does, as it finds the installed library.

// [import]
import Resilient from 'gi://Resilient?version=1';
// [end]

if (Resilient.RetryPolicy.new(3, 0.5).get_max_retries() !== 3)
    throw new Error('not the policy that was asked for');
print(`${Resilient.MAJOR_VERSION}.${Resilient.MINOR_VERSION}.${Resilient.MICRO_VERSION}`);
