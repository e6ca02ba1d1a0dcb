// status, events and capture against a translator that really runs, in a namespace, as root and as nobody.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectTo } from '../../src/control/client.ts';
import { endpointIn } from '../../src/control/endpoint.ts';
import { type CommandResult, type Netns, netnsForSuite, type Running, runAny, waitFor } from '../support/netns.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const AS_NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

describe('the control API of a translator', () => {
  const set = netnsForSuite();
  let ns: Netns;
  let stateDir: string;
  let file: string;
  let daemon: Running;

  const config = (mapping: string, tun = 'siit0'): string => `role: translator
prefix: 2001:db8:64::/96
own-ipv4: 192.0.2.1
own-ipv6: 2001:db8:64::c000:201
mappings:
  - ipv4: 198.51.100.1
    ipv6: ${mapping}
tun:
  name: ${tun}
  routes: [203.0.113.0/24]
`;
  const environment = (): string[] => ['env', `XLAT464_STATE_DIR=${stateDir}`, 'TZ=UTC'];
  const program = (...args: string[]): string[] => [...environment(), process.execPath, PROGRAM, ...args];
  const xlat464 = (...args: string[]): Promise<CommandResult> => ns.runAny(program(...args));
  const asNobody = (...args: string[]): Promise<CommandResult> => ns.runAny([...AS_NOBODY, ...program(...args)]);
  const socket = (name = 'siit0'): string => join(stateDir, `translator-${name}.sock`);
  const snapshot = async () => JSON.parse((await xlat464('status', '--json')).stdout);

  async function startDaemon(configFile = file, tun = 'siit0'): Promise<Running> {
    const running = await ns.start(program('translate', '-c', configFile));
    const endpoint = endpointIn(stateDir, `translator-${tun}`);
    await waitFor('the control socket', async () => {
      if (running.hasEnded()) throw new Error(running.output());
      const connection = await connectTo(endpoint, 'read', 'test').catch(() => undefined);
      connection?.close();
      return connection !== undefined;
    });
    return running;
  }

  /** Packets that are translated, and others whose TTL is used up. */
  async function ping(ttl: number): Promise<void> {
    await ns.runAny([
      'ping',
      '-c',
      '3',
      '-i',
      '0.01',
      '-W',
      '0.1',
      '-t',
      `${ttl}`,
      '-I',
      '198.51.100.1',
      '203.0.113.9',
    ]);
  }

  before(async () => {
    ns = await set.add('host');
    await ns.ip('addr add 198.51.100.1/32 dev lo');
    chmodSync(set.directory, 0o755);
    stateDir = join(set.directory, 'state');
    mkdirSync(stateDir, { mode: 0o755 });
    file = join(set.directory, 'siit.yaml');
    writeFileSync(file, config('2001:db8:1::10'));
  });

  it('status without a daemon is one sentence, how to start one, and exit code 1', async () => {
    const { code, stdout, stderr } = await xlat464('status');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^xlat464: no daemon is running\nStart one with "sudo xlat464 client"/);
    const json = await xlat464('status', '--json');
    assert.equal(JSON.parse(json.stdout).error.code, 'DAEMON_NOT_RUNNING');
  });

  it('status shows what it does, to anybody', async () => {
    daemon = await startDaemon();
    await ping(64);
    await ping(1);
    const { code, stdout, stderr } = await asNobody('status');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^xlat464 translator-siit0 · version \d/);
    assert.match(stdout, /\nState {4}running for \d+ s \(ready\)\n {9}translating on siit0\n/);
    assert.match(stdout, /\nPREF64 {3}2001:db8:64::\/96 from the configuration\n/);
    assert.match(stdout, /\nIPv4 → IPv6 .* 3 \(50\.0 %\)\n/);
    assert.match(stdout, /\n {8}3 {2}hop-limit \(RFC 7915 §4\.1, §5\.1\)\n/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  });

  it('status --json has rates, counters and events', async () => {
    const { status, events } = await snapshot();
    assert.equal(status.counters.packetsIn.ipv4, 6);
    assert.deepEqual(status.rates.packetsIn, { ipv4: 0, ipv6: 0 });
    assert.equal(events[0].code, 'ready');
  });

  it('capture is not for everybody, and says so with exit code 3', async () => {
    const { code, stderr } = await asNobody('capture', '/dev/null');
    assert.equal(code, 3);
    assert.match(stderr, /^xlat464: no permission to use .*translator-siit0\.admin\nUse sudo/);
  });

  it('capture writes what tshark reads: both sides, with a comment, until Ctrl-C', async () => {
    const captured = join(set.directory, 'c.pcapng');
    const capture = await ns.start(program('capture', captured, '--json'));
    await waitFor('the capture', () => existsSync(captured) && statSync(captured).size > 0);
    await ping(64);
    await ping(1);
    assert.equal(await capture.stop('SIGINT'), 0);
    const { recorded, lost, bytes } = JSON.parse(capture.output());
    // Three translated: in and out; three refused: in, and the ICMP error out.
    assert.deepEqual([recorded, lost, bytes], [12, 0, statSync(captured).size]);
    assert.equal(statSync(captured).mode & 0o777, 0o600);
    const fields = ['-T', 'fields', '-e', 'frame.interface_name', '-e', 'frame.comment'];
    const { stdout } = await runAny(['tshark', '-r', captured, ...fields]);
    const lines = stdout.trim().split('\n');
    assert.equal(lines.filter((line) => /^in\ttranslated \(RFC 7915\)/.test(line)).length, 3);
    assert.equal(lines.filter((line) => /^in\thop-limit \(RFC 7915/.test(line)).length, 3);
  });

  it('capture - with a filter goes into a pipe, and ends by itself', async () => {
    const output = join(set.directory, 'pipe.pcapng');
    const shell = `${program('capture', '-', '--drops', '--family', '4', '--seconds', '2').join(' ')} > ${output}`;
    const capture = await ns.start(['sh', '-c', shell]);
    await waitFor('the capture', () => existsSync(output) && statSync(output).size > 0);
    await ping(64);
    await ping(1);
    await waitFor('its end', () => capture.hasEnded());
    assert.match(capture.output(), /^6 packets, .*none lost\n$/);
    const { stdout } = await runAny(['tshark', '-r', output, '-T', 'fields', '-e', 'frame.comment']);
    assert.ok(
      stdout
        .trim()
        .split('\n')
        .every((line) => line.startsWith('hop-limit')),
      stdout,
    );
  });

  it('capture whose reader goes away ends at the next packet, without a word', async () => {
    const capture = await ns.start(['sh', '-c', `${program('capture', '-').join(' ')} | head -c 1 > /dev/null`]);
    await waitFor('its end', async () => {
      await ping(64);
      return capture.hasEnded();
    });
    assert.equal(capture.child.exitCode, 0);
    assert.ok(!capture.output().includes('xlat464:'), capture.output());
  });

  it('capture refuses an address that is none, with exit code 2', async () => {
    const { code, stderr } = await xlat464('capture', '/dev/null', '--address', '192.0.2.300');
    assert.equal(code, 2);
    assert.match(stderr, /^xlat464: "192\.0\.2\.300" is no IPv4 or IPv6 address\n/);
  });

  it('events --follow shows a reload, and reload answers with what was wrong', async () => {
    const following = await ns.start(program('events', '--follow', '--json'));
    await waitFor('the events so far', () => following.output().includes('"code":"ready"'));
    const connection = await connectTo(endpointIn(stateDir, 'translator-siit0'), 'admin', 'test');
    writeFileSync(file, config('2001:db8:1::11'));
    assert.deepEqual(await connection.call('reload', {}), { isReloaded: true, problems: [], notes: [] });
    writeFileSync(file, config('nonsense'));
    const refused = await connection.call('reload', {});
    assert.equal(refused.isReloaded, false);
    assert.match(refused.problems.join(), /nonsense/);
    writeFileSync(file, config('2001:db8:1::10'));
    connection.close();
    await waitFor('the event', () => following.output().includes('translator-reload-failed'));
    assert.ok(following.output().includes('"code":"translator-reloaded"'));
    assert.equal(await following.stop('SIGINT'), 0);
  });

  it('xlat464 reload says what was wrong and what to do, and up is not for a translator', async () => {
    writeFileSync(file, 'role: client\nprefix: 64:ff9b::/96\n');
    const refused = await xlat464('reload');
    writeFileSync(file, config('2001:db8:1::10'));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^xlat464: .* configures the role client, not translator\. Run xlat464 client -c /);
    const { code, stdout } = await xlat464('reload');
    assert.deepEqual([code, stdout], [0, 'translator-siit0: the configuration was read again\n']);
    const up = await xlat464('up');
    assert.equal(up.code, 1);
    assert.match(up.stderr, /^xlat464: no client is running here, only translator-siit0\n/);
    const named = await xlat464('up', '--name', 'translator-siit0');
    assert.equal(named.code, 2);
    assert.equal(named.stderr, 'xlat464: translator-siit0 is a translator, not a client\n');
  });

  it('capture names a bad address before it asks for permission', async () => {
    const { code, stderr } = await asNobody('capture', '/dev/null', '--address', 'x');
    assert.equal(code, 2);
    assert.match(stderr, /^xlat464: "x" is no IPv4 or IPv6 address\n/);
  });

  it('status --watch draws on a terminal of its own size, and gives it back at Ctrl-C', async () => {
    const transcript = join(set.directory, 'watch');
    const command = `stty cols 60 rows 20; exec ${program('status', '--watch').join(' ')}`;
    const watching = await ns.start(['script', '-qefc', command, transcript]);
    const shown = (): string => (existsSync(transcript) ? readFileSync(transcript, 'utf8') : '');
    await waitFor('the screen', () => shown().includes('translator-siit0'));
    await waitFor('another drawing', () => shown().split('\u001b[H').length > 2);
    const pids = (await runAny(['pgrep', '-P', `${watching.child.pid}`, '-f', 'status --watch'])).stdout
      .trim()
      .split('\n');
    for (const pid of pids) process.kill(Number(pid), 'SIGINT');
    await once(watching.child, 'exit');
    const text = shown();
    assert.ok(
      text.indexOf('\u001b[?1049h\u001b[?25l') >= 0 && text.includes('\u001b[?25h\u001b[?1049l'),
      'entered and left',
    );
    const frame = text.split('\u001b[H').at(1) ?? '';
    assert.ok(frame.split('\r\n').length <= 20);
  });

  it('status --watch without a terminal is refused, and with --json is a stream', async () => {
    assert.equal((await xlat464('status', '--watch')).code, 2);
    const watching = await ns.start(program('status', '--watch', '--json'));
    await waitFor('rates', () => watching.output().includes('"rates":{'));
    assert.equal(await watching.stop('SIGINT'), 0);
    for (const line of watching.output().trim().split('\n'))
      assert.equal(JSON.parse(line).status.daemon.role, 'translator');
  });

  it('several daemons are listed, and one is chosen by its name', async () => {
    const other = join(set.directory, 'other.yaml');
    writeFileSync(other, config('2001:db8:1::10', 'siit1').replace('203.0.113.0/24', '192.0.2.128/25'));
    const second = await startDaemon(other, 'siit1');
    const { code, stdout } = await xlat464('status');
    assert.equal(code, 0);
    assert.match(stdout, /^translator-siit0 .*running.*2001:db8:64::\/96\ntranslator-siit1 /);
    assert.match((await xlat464('status', '--name', 'translator-siit1')).stdout, /^xlat464 translator-siit1 /);
    const ambiguous = await xlat464('events');
    assert.equal(ambiguous.code, 2);
    const watched = await xlat464('status', '--watch', '--json');
    assert.deepEqual([watched.code, watched.stdout.includes('translator-siit1')], [2, true]);
    assert.match(
      ambiguous.stderr,
      /2 daemons are running\nChoose one with --name: translator-siit0, translator-siit1\./,
    );
    assert.equal(await second.stop(), 0);
    assert.ok(!existsSync(socket('siit1')));
  });

  it('a killed daemon counts as none, and its sockets are replaced at the next start', async () => {
    await daemon.stop('SIGKILL');
    assert.ok(existsSync(socket()));
    assert.equal((await xlat464('status')).code, 1);
    daemon = await startDaemon();
    assert.equal((await xlat464('status')).code, 0);
  });

  it('a watcher is told when the daemon ends, and a reader that hangs does not hold that up', async () => {
    const following = await ns.start(program('events', '--follow'));
    await waitFor('the events', () => following.output().includes('(ready)'));
    const hanging = await connectTo(endpointIn(stateDir, 'translator-siit0'), 'admin', 'test');
    await hanging.call('capture.start', {});
    hanging.pause();
    await ping(64);
    const stopping = await connectTo(endpointIn(stateDir, 'translator-siit0'), 'admin', 'test');
    await stopping.call('stop', {});
    await waitFor('the end of the daemon', () => daemon.hasEnded());
    await waitFor('the end of the watcher', () => following.hasEnded());
    hanging.close();
    assert.equal(daemon.child.exitCode, 0);
    assert.match(daemon.output(), /stopping as the control API was asked to/);
    assert.match(following.output(), /xlat464: the daemon is gone: the daemon ends\n$/);
    assert.ok(!existsSync(socket()));
  });
});
