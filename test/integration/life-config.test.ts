// The client's configuration file becomes another one while it runs: nonsense is named and changes nothing.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectTo } from '../../src/control/client.ts';
import { endpointIn } from '../../src/control/endpoint.ts';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { staticNet } from './client-net.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const GOOD = 'role: client\nprefix: 2001:db8:64::/96\n';

describe('a client whose file changes while it runs', () => {
  it('goes on with what it has, names what is wrong on SIGHUP, and says what waits for the next start', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const file = `${net.set.directory}/client.yaml`;
    writeFileSync(file, GOOD);
    const argv = [process.execPath, PROGRAM, 'client', '--json', '-c', file];
    const client = await net.host.start(argv, { XLAT464_STATE_DIR: net.stateDir });
    const said = (words: string) =>
      waitFor(`"${words}"`, () => {
        if (client.hasEnded()) throw new Error(client.output());
        return client.output().includes(words);
      });
    await said('"code":"client-ready"');
    const route = await net.host.run(['ip', '-4', 'route']);

    for (const [content, words] of [
      ['role: client\nprefix: 2001:db8:64::/95\n', 'the new configuration is not used: '],
      ['{{{ nonsense', 'client-reload-failed'],
      [GOOD, 'the configuration is the one in use'],
      [`${GOOD}metric: 7\n`, 'it takes effect at the next start'],
    ]) {
      writeFileSync(file, content);
      client.child.kill('SIGHUP');
      await said(words);
    }
    const admin = await connectTo(endpointIn(net.stateDir, 'client-clat0'), 'admin', 'test');
    const later = 'the configuration has changed; it takes effect at the next start of the client';
    assert.deepEqual(await admin.call('reload', {}), { isReloaded: true, problems: [], notes: [later] });
    writeFileSync(file, GOOD);
    assert.deepEqual(await admin.call('reload', {}), { isReloaded: true, problems: [], notes: [] });
    writeFileSync(file, 'role: translator\nprefix: 2001:db8:64::/96\n');
    const answer = (await admin.call('reload', {})) as { isReloaded: boolean; problems: readonly string[] };
    admin.close();
    assert.equal(answer.isReloaded, false);
    assert.match(answer.problems.join(), /role/);

    assert.equal(await net.host.run(['ip', '-4', 'route']), route);
    assert.equal(await client.stop(), 0);
  });
});
