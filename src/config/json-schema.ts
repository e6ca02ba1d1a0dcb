// The published JSON Schema, made from the field tables by way of zod. Loaded only by `config schema` and by tests: zod
// takes 50 ms to load. Its parse is also the tests' independent second opinion on what the checker accepts.

import * as z from 'zod/mini';
import { CLIENT_FIELDS } from './client.ts';
import type { Field, Fields, Shape } from './fields.ts';
import { GATEWAY_FIELDS } from './gateway-fields.ts';
import { TRANSLATOR_FIELDS } from './translator-fields.ts';

/** zod's view of a configuration file: what its structure may be, without the cross checks. */
export function zodSchema(): z.ZodMiniType {
  const roles = [TRANSLATOR_FIELDS, CLIENT_FIELDS, GATEWAY_FIELDS].map((fields) => zodOf({ kind: 'section', fields }));
  return z.union(roles);
}

/** The JSON Schema (draft 2020-12) of a configuration file. */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(zodSchema(), { target: 'draft-2020-12', io: 'input' });
  return { title: 'Configuration of xlat464', ...schema };
}

function zodOf(shape: Shape): z.ZodMiniType {
  switch (shape.kind) {
    case 'flag':
      return z.boolean();
    case 'integer':
      return z.int().check(z.gte(shape.min), z.lte(shape.max));
    case 'choice':
      return z.enum(shape.values);
    case 'text':
      return z.string().check(z.regex(new RegExp(shape.pattern)));
    case 'word':
      return z.union([z.literal(shape.word), zodOf(shape.otherwise)]);
    case 'list':
      return z.array(zodOf(shape.item));
    case 'section':
      return z.strictObject(zodKeys(shape.fields));
    default:
      return shape satisfies never;
  }
}

const zodKeys = (fields: Fields): Record<string, z.ZodMiniType> =>
  Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, zodField(field)]));

function zodField({ shape, byDefault, description }: Field): z.ZodMiniType {
  const described = zodOf(shape).check(
    z.meta(byDefault === undefined ? { description } : { description, default: byDefault }),
  );
  return byDefault === undefined ? described : z.optional(described);
}
