// The metrics of a gateway: the text format, that each name is documented, and that the dashboard asks for names that there are.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { XlatError } from '../../src/contract/errors.ts';
import { startMetrics } from '../../src/daemon/metrics-server.ts';
import { METRICS, metricsText } from '../../src/daemon/metrics-text.ts';
import { SAMPLE } from '../support/control.ts';
import { GATEWAY_SAMPLE } from '../support/gateway.ts';

const docs = (name: string): string => readFileSync(join(import.meta.dirname, '../../../docs', name), 'utf8');
const { rates: _, ...status } = { ...SAMPLE, gateway: GATEWAY_SAMPLE };
const page = metricsText(status);
const known = new Set(METRICS.map(({ name }) => name));

describe('the page of metrics', () => {
  it('has each metric once, with help and type, and samples that a parser takes', () => {
    assert.equal(known.size, METRICS.length);
    const sample = /^([a-z0-9_]+)(?:\{((?:[a-z0-9_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?[0-9.e+]+)$/;
    for (const line of page.trimEnd().split('\n')) {
      const name = line.startsWith('#') ? line.split(' ')[2] : sample.exec(line)?.[1];
      assert.ok(name !== undefined && known.has(name), line);
    }
    for (const { name } of METRICS) assert.match(page, new RegExp(`^# TYPE ${name} (counter|gauge)\n${name}[{ ]`, 'm'));
  });

  it('N-10 tells limits, pool and drops apart', () => {
    for (const line of [
      'xlat464_info{version="0.1.0",role="client",name="client-clat0"} 1',
      'xlat464_dropped_packets_total{reason="hop-limit",family="ipv4"} 60',
      'xlat464_nat64_sessions 12345',
      'xlat464_nat64_pool_ports_free{protocol="udp"} 3301',
      'xlat464_nat64_refused_total{reason="ports-exhausted"} 99',
      'xlat464_dns_forwarder_up{forwarder="[2001:db8::53]:853"} 0',
      'xlat464_dns_forwarder_rtt_seconds{forwarder="192.0.2.53:53"} 0.0123',
      'xlat464_ra_advertising{interface="eth2"} 0',
      String.raw`xlat464_rule_packets_total{rule="NAT66 of \"all\" out of eth0"} 0`,
    ]) {
      assert.ok(page.split('\n').includes(line), line);
    }
  });

  it('leaves out what is off', () => {
    assert.doesNotMatch(metricsText({ ...status, gateway: null, counters: null }), /nat64|dns|packets/);
  });

  it('names counters as counters are named', () => {
    for (const { name, type } of METRICS) assert.equal(name.endsWith('_total'), type === 'counter', name);
  });
});

describe('the documents on metrics', () => {
  it('have every name with its meaning, and no other', () => {
    const text = docs('metrics.md');
    for (const { name, type, help } of METRICS) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${name}\` | ${type} |`));
      assert.ok(row?.endsWith(`| ${help} |`), name);
    }
    for (const [name] of text.matchAll(/xlat464_[a-z0-9_]+/g)) assert.ok(known.has(name), name);
  });

  it('have a dashboard that asks for names that there are', () => {
    const names = [...docs('grafana-gateway.json').matchAll(/xlat464_[a-z0-9_]+/g)].map(([name]) => name);
    assert.ok(names.length > 20);
    for (const name of names) assert.ok(known.has(name), name);
  });
});

describe('the server of metrics', () => {
  const place = async (): Promise<{ address: string; port: number }> => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return { address: '127.0.0.1', port };
  };

  it('answers /metrics and nothing else, and moves to another place', async (t) => {
    const [first, second] = [await place(), await place()];
    const server = await startMetrics(first, () => 'xlat464_info 1\n');
    t.after(() => server.close());
    const get = (port: number, path: string, method = 'GET'): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}${path}`, { method });
    const answer = await get(first.port, '/metrics');
    assert.equal(await answer.text(), 'xlat464_info 1\n');
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.equal((await get(first.port, '/')).status, 404);
    assert.equal((await get(first.port, '/metrics', 'POST')).status, 405);
    await server.reconfigure(second);
    assert.equal((await get(second.port, '/metrics')).status, 200);
    await assert.rejects(get(first.port, '/metrics'));
  });

  it('says why it cannot listen', async (t) => {
    const taken = await place();
    const server = await startMetrics(taken, () => '');
    t.after(() => server.close());
    const isTaken = (error: unknown): boolean => error instanceof XlatError && error.code === 'PORT_TAKEN';
    await assert.rejects(
      startMetrics(taken, () => ''),
      isTaken,
    );
  });
});
