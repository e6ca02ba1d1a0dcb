// The field algebra: what a configuration key may hold, as data. One table of fields is the source of the checker
// (check.ts), the JSON Schema (json-schema.ts), the example file (example.ts) and the TypeScript types of the result.
//
// Why a table of our own and not a zod schema at run time: loading zod takes 50 ms on the reference machine, a third of
// the time that the daemon has from exec to ready. zod is built from this table where time does not matter.

/** A value that can be written in YAML; defaults are given in this form. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** What a text parser returns: the value, or what would have been right. */
export type TextResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string; readonly advice: string };

/** Success of a text parser. */
export const good = <T>(value: T): TextResult<T> => ({ ok: true, value });

/** Failure of a text parser: what is wrong, as a predicate ("has host bits set"), and what would be right. */
export const bad = <T>(problem: string, advice: string): TextResult<T> => ({ ok: false, problem, advice });

/** What a field may hold. */
export type Shape =
  | { readonly kind: 'flag' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | {
      readonly kind: 'text';
      readonly what: string;
      readonly example: string;
      readonly pattern: string;
      readonly parse: (text: string) => TextResult<unknown>;
    }
  | { readonly kind: 'word'; readonly word: string; readonly value: unknown; readonly otherwise: Shape }
  | { readonly kind: 'list'; readonly item: Shape }
  | { readonly kind: 'section'; readonly fields: Fields };

/** A shape that yields a T; the type parameter exists for the compiler only. */
export type ShapeOf<T> = Shape & { readonly yields?: T };

/** One key: what it may hold, what it means, and its value when it is not given (`undefined`: it must be given). */
export interface Field<T = unknown> {
  readonly shape: ShapeOf<T>;
  readonly description: string;
  readonly byDefault: Plain | undefined;
}

/** The keys of a section, in the order in which they are documented. */
export interface Fields {
  readonly [key: string]: Field;
}

/** The checked value of a section. */
export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** A key with a default. */
export const field = <T>(shape: ShapeOf<T>, byDefault: Plain, description: string): Field<T> => ({
  shape,
  byDefault,
  description,
});

/** A key that must be given. */
export const required = <T>(shape: ShapeOf<T>, description: string): Field<T> => ({
  shape,
  byDefault: undefined,
  description,
});

/** true or false. */
export const flag: ShapeOf<boolean> = { kind: 'flag' };

/** A whole number, both bounds inclusive. */
export const integer = (min: number, max: number): ShapeOf<number> => ({ kind: 'integer', min, max });

/** One of a few words. */
export const choice = <const V extends readonly string[]>(values: V): ShapeOf<V[number]> => ({
  kind: 'choice',
  values,
});

/**
 * Text with a syntax of its own.
 * @param what its name in errors, with article: "an IPv4 address"
 * @param example a valid one, for errors and documentation
 * @param pattern regular expression that every valid text matches (the JSON Schema's approximation)
 */
export const text = <T>(
  what: string,
  example: string,
  pattern: string,
  parse: (text: string) => TextResult<T>,
): ShapeOf<T> => ({ kind: 'text', what, example, pattern, parse });

/** A word with a meaning of its own, or something else: `none`, `auto`, `copy`. */
export const wordOr = <W, T>(word: string, value: W, otherwise: ShapeOf<T>): ShapeOf<W | T> => ({
  kind: 'word',
  word,
  value,
  otherwise,
});

/** A list of equals. */
export const list = <T>(item: ShapeOf<T>): ShapeOf<readonly T[]> => ({ kind: 'list', item });

/** A section with keys of its own. */
export const section = <F extends Fields>(fields: F): ShapeOf<Values<F>> => ({ kind: 'section', fields });
