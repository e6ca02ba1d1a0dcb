// `xlat464 config dhcp4`: option 108 for a DHCP server that is there already.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dhcp4Snippet } from '../../src/config/dhcp4-snippet.ts';
import { ConfigError } from '../../src/config/issues.ts';

const GIVEN = { address: '192.168.64.1/24', interface: 'lan0' };

describe('the text for another DHCP server', () => {
  test('O-01 gives Kea option 108, which it sends to those alone that ask for it', () => {
    const { Dhcp4 } = JSON.parse(dhcp4Snippet({ ...GIVEN, for: 'kea', 'option-108': '10min' })) as {
      readonly Dhcp4: { readonly subnet4: readonly { readonly 'option-data': readonly object[] }[] };
    };
    const options = Dhcp4.subnet4[0]?.['option-data'] ?? [];
    assert.ok(options.some((o) => JSON.stringify(o) === '{"name":"v6-only-preferred","data":"600"}'));
  });

  test('O-01 gives dnsmasq and ISC a condition: the client has a list of what it asks for', () => {
    assert.match(
      dhcp4Snippet({ ...GIVEN, for: 'dnsmasq' }),
      /dhcp-match=set:asks,55\ndhcp-option=tag:asks,108,00:00:07:08/,
    );
    assert.match(dhcp4Snippet({ ...GIVEN, for: 'isc' }), /if exists dhcp-parameter-request-list \{\s+option v6-only/);
  });

  test('leaves the option out when it is not wanted', () => {
    assert.doesNotMatch(dhcp4Snippet({ ...GIVEN, for: 'dnsmasq', 'option-108': 'none' }), /108/);
  });

  const refused = (options: Record<string, string>, what: RegExp): void =>
    assert.throws(
      () => dhcp4Snippet(options),
      (e) => e instanceof ConfigError && what.test(e.message),
    );

  test('names the options that are missing or wrong', () => {
    refused({ for: 'kea' }, /--address: is missing/);
    refused({ for: 'dhcpcd', address: '192.168.64.1/24' }, /--for: "dhcpcd"/);
    refused({ for: 'kea', address: '2001:db8::1/64' }, /not an IPv4 address/);
    refused({ for: 'kea', ...GIVEN, range: '10.0.0.1-10.0.0.9' }, /does not lie in the network/);
  });
});
