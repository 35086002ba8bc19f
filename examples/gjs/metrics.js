// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// What is going on, by signals, a subscription and statistics:
// gjs -m metrics.js https://example.org

import GLib from 'gi://GLib';
import Resilient from 'gi://Resilient?version=1';

import {getBaseUri, getRefusingUri, runMain} from './exampleServer.js';

// [collector]
class MetricsCollector {
    constructor(client) {
        this.counts = {success: 0, error: 0, timeout: 0, cancelled: 0};
        this.retries = {};
        this._client = client;
        this._handlers = [
            ...Object.keys(this.counts).map(type => client.connect(type, () => {
                this.counts[type]++;
            })),
            client.connect('retry', (_client, event) => {
                const {service} = event.get_context().get_metadata().recursiveUnpack();

                this.retries[service] = (this.retries[service] ?? 0) + 1;
            }),
        ];
    }

    stop() {
        this._handlers.forEach(handler => this._client.disconnect(handler));
    }
}
// [end]

// [stream]
function nameOf(enumeration, value) {
    return Object.keys(enumeration).find(name => enumeration[name] === value);
}

async function logEvents(subscription) {
    let number = 0;

    for await (const event of subscription) {
        const attempt = event.get_context().get_current_attempt() + 1;

        number++;
        print(`${event.get_sequence()} attempt ${attempt} ${nameOf(Resilient.Reason, event.get_reason())}`);
    }
    return number;
}
// [end]

// [openmetrics]
// What Prometheus reads: the lines of one metric.
function linesOf(stats, name) {
    return stats.to_openmetrics().split('\n').filter(line => line.startsWith(name));
}
// [end]

function newContext(id, service) {
    const metadata = new GLib.Variant('a{sv}', {service: GLib.Variant.new_string(service)});

    return Resilient.RequestContext.new(id, null, metadata);
}

function newPolicy() {
    const builder = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard());

    builder.set_base_delay(0.01);
    return builder.build();
}

function check(condition, what) {
    if (!condition)
        throw new Error(what);
}

runMain(async () => {
    const base = getBaseUri();
    const client = new Resilient.Client({retryPolicy: newPolicy()});
    const collector = new MetricsCollector(client);
    const log = logEvents(client.subscribe(100));
    // Signals come a while after what they tell.
    const allTold = new Promise(resolve => {
        let ended = 0;

        client.connect('event', (_client, event) => {
            if (event.get_event_type() !== Resilient.EventType.RETRY && ++ended === 4)
                resolve();
        });
    });

    await Promise.allSettled([
        client.get_async(`${base}/steady`, newContext('steady', 'demo'), null),
        client.get_async(`${base}/flaky/a`, newContext('a', 'demo'), null),
        client.get_async(`${base}/flaky/b`, newContext('b', 'demo'), null),
        client.get_async(getRefusingUri(), newContext('nobody', 'mail'), null),
    ]);
    await client.close_async(5, null);

    const stats = client.get_stats();
    print(`${stats.get_requests()} requests, ${stats.get_retries()} retries, ` +
        `${stats.get_mean_time().toFixed(3)} s on average`);
    const [requests] = linesOf(stats, 'resilient_client_requests_total');

    print(requests);
    check(requests.endsWith(' 4'), 'four requests');
    check(linesOf(stats, 'http_client_request_duration_seconds_count').length === 3,
        'a series for each server and outcome');
    // The subscription ends with the client.
    check(await log === stats.get_requests() + stats.get_retries(), 'an event for each');
    await allTold;
    collector.stop();
    check(collector.retries.mail === 3, 'three retries where nobody listens');
    check(stats.get_successes() === 3 && stats.get_errors() === 1, 'one failure');
});
