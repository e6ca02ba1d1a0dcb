import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missingCapabilities } from '../../src/platform/linux/privileges.ts';

const status = (effective: string): string => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${effective}\n`;

describe('privileges of the client', () => {
  it('are complete for root', () => assert.deepEqual(missingCapabilities(status('000001ffffffffff')), []));

  it('are missing for an ordinary user, each by its name', () =>
    assert.deepEqual(missingCapabilities(status('0000000000000000')), ['CAP_NET_ADMIN', 'CAP_NET_RAW']));

  it('are complete with the two capabilities alone', () =>
    assert.deepEqual(missingCapabilities(status('0000000000003000')), []));

  it('are not guessed where the kernel does not say', () => assert.deepEqual(missingCapabilities('Name:\tnode\n'), []));
});
