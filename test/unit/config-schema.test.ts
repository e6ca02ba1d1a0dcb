// The published JSON Schema, and zod's reading of the same tables as a second opinion on the checker.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { fromJSONSchema } from 'zod';
import { checkFields, Findings } from '../../src/config/check.ts';
import { exampleFile } from '../../src/config/example.ts';
import type { Fields, Plain, Shape } from '../../src/config/fields.ts';
import { GATEWAY_FIELDS } from '../../src/config/gateway-fields.ts';
import { jsonSchema, zodSchema } from '../../src/config/json-schema.ts';
import { TRANSLATOR_FIELDS } from '../../src/config/translator-fields.ts';
import { treeOf } from '../../src/config/tree.ts';

const schema = jsonSchema() as { anyOf: { properties: Record<string, Record<string, unknown>>; required: string[] }[] };

describe('the JSON Schema', () => {
  it('describes every key and names its default', () => {
    const described = schema.anyOf[0].properties;
    for (const [key, field] of Object.entries(TRANSLATOR_FIELDS)) {
      assert.equal(described[key].description, field.description, key);
      if (field.byDefault !== undefined) assert.deepEqual(described[key].default, field.byDefault, key);
    }
    assert.deepEqual(schema.anyOf[0].required, ['role']);
    assert.deepEqual(schema.anyOf[1].required, ['role']);
    assert.deepEqual(schema.anyOf[2].required, ['role', 'lan']);
  });

  it('is a valid schema that accepts what `config init` writes and refuses unknown keys', () => {
    const judge = fromJSONSchema(schema as Parameters<typeof fromJSONSchema>[0]);
    for (const role of ['translator', 'client', 'gateway'] as const) {
      const file: unknown = parse(exampleFile(role));
      assert.ok(judge.safeParse(file).success, role);
      assert.ok(!judge.safeParse({ ...(file as object), colour: 'red' }).success, role);
    }
  });
});

/** Values that a shape takes, and a few that it does not, structurally: texts are good examples or nonsense. */
function valuesOf(shape: Shape): fc.Arbitrary<Plain> {
  switch (shape.kind) {
    case 'flag':
      return fc.oneof(fc.boolean(), fc.constant('yes'));
    case 'integer':
      return fc.oneof(fc.integer({ min: shape.min - 1, max: shape.max + 1 }), fc.constant(1.5));
    case 'choice':
      return fc.constantFrom(...shape.values, 'nonsense');
    case 'text':
      return fc.constantFrom(shape.example, '');
    case 'word':
      return fc.oneof(fc.constant(shape.word), valuesOf(shape.otherwise));
    case 'list':
      return fc.array(valuesOf(shape.item), { maxLength: 2 });
    case 'section':
      return sectionsOf(shape.fields);
    default:
      return shape satisfies never;
  }
}

function sectionsOf(fields: Fields): fc.Arbitrary<Plain> {
  const model = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, valuesOf(field.shape)]));
  // A key that is left out is not there at all, so the record is plain.
  return fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<{ [key: string]: Plain }>;
}

describe('the checker', () => {
  it('accepts exactly the structures that zod accepts by the same tables', () => {
    const judge = zodSchema();
    for (const [role, fields] of Object.entries({ translator: TRANSLATOR_FIELDS, gateway: GATEWAY_FIELDS })) {
      const property = fc.property(sectionsOf(fields), (section) => {
        const document = { ...(section as object), role };
        const findings = new Findings();
        checkFields(fields, treeOf(document), '', findings);
        const paths = findings.issues.map(({ path }) => path).join(', ');
        assert.equal(judge.safeParse(document).success, findings.issues.length === 0, paths);
      });
      fc.assert(property, { numRuns: 500 });
    }
  });

  it('never throws on any YAML-like value', () => {
    const property = fc.property(fc.jsonValue(), (value) => {
      checkFields(TRANSLATOR_FIELDS, treeOf(value as Plain), '', new Findings());
    });
    fc.assert(property, { numRuns: 500 });
  });
});
