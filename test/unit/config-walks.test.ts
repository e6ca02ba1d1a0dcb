// The walks in docs/: their configurations are good, and are what an import makes of the programs that they replace.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../src/config/load.ts';
import { fixture, imported } from '../support/import.ts';
import { blocksOf } from '../support/walk.ts';

const DOCS = fileURLToPath(new URL('../../../docs/', import.meta.url));

/** What stands in a document's fenced blocks of a language. */
const blocks = (name: string, language: string): string[] =>
  blocksOf(readFileSync(`${DOCS}${name}`, 'utf8'))
    .filter(({ info }) => info === language)
    .map(({ text }) => text);

/** A document's configuration, without what only warns. */
function configOf(text: string) {
  const config = parseConfig(text, 'gateway.yaml');
  assert.equal(config.role, 'gateway');
  return config.role === 'gateway' ? { ...config, warnings: [] } : assert.fail();
}

describe('the walks', () => {
  for (const name of ['walk-vyos.md', 'walk-jool-unbound.md']) {
    it(`${name} has one configuration, which is good, and commands for both machines`, () => {
      const [yaml = '', ...more] = blocks(name, 'yaml');
      assert.deepEqual(more, []);
      configOf(yaml);
      for (const where of ['gateway', 'client']) {
        const commands =
          blocks(name, `console ${where}`)
            .join('')
            .match(/^\$ \S/gm) ?? [];
        assert.ok(commands.length > 3, where);
      }
    });
  }

  it('walk-jool-unbound.md has the file that an import makes of its commands and clauses', () => {
    const name = 'walk-jool-unbound.md';
    const [, jool = ''] = blocks(name, 'sh');
    const unbound = blocks(name, '').find((text) => text.startsWith('server:')) ?? '';
    const sources = [
      { name: 'jool.sh', text: jool },
      { name: 'unbound.conf', text: unbound },
    ];
    const { text, notes } = imported(sources, { lan: ['eth1'], wan: ['eth0'] });
    assert.deepEqual(notes, []);
    assert.deepEqual(configOf(text), configOf(blocks(name, 'yaml')[0] ?? ''));
  });

  it('walk-vyos.md has the file that an import makes of such a router, but for its resolvers', () => {
    const withoutForwarders = (config: ReturnType<typeof configOf>) => ({
      ...config,
      dns64: { ...config.dns64, forwarders: null },
    });
    const { text } = imported([fixture('vyos-commands.conf')]);
    const written = configOf(blocks('walk-vyos.md', 'yaml')[0] ?? '');
    assert.deepEqual(withoutForwarders(configOf(text)), withoutForwarders(written));
  });
});
