// A small language of shapes: one value describes what may cross the control socket, and is its TypeScript type and its
// validator at once. Written here because this folder depends on nothing, and because the daemon pays for it at its start.
//
// Evolution is additive. A reader of results and events ignores keys that it does not know, and takes any text where a list
// of known words may grow (`word`). Parameters are strict: a daemon that does not know a parameter says so, for to do
// something else than what was asked would be worse.

/** A value that has not the shape that it should have. */
export class ShapeError extends Error {
  /** Where in the value, as `counters.verdicts[3].name`; empty: the value as a whole. */
  readonly at: string;

  constructor(at: string, expected: string) {
    super(`${at === '' ? 'the value' : at} must be ${expected}`);
    this.name = 'ShapeError';
    this.at = at;
  }
}

/** A shape. `read` gives the value back, made of nothing but what the shape names; throws ShapeError. */
export interface Schema<T> {
  read(value: unknown, at: string): T;
}

/** The type that a shape describes. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

type Fields = Readonly<Record<string, Schema<unknown>>>;
type Required<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> };
type Optional<F extends Fields> = { readonly [K in keyof F]?: Infer<F[K]> };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const schema = <T>(read: (value: unknown, at: string) => T): Schema<T> => ({ read });

/** Text of at most `longest` UTF-16 units. */
export const text = (longest = 4096): Schema<string> =>
  schema((value, at) => {
    if (typeof value !== 'string') throw new ShapeError(at, 'text');
    if (value.length > longest) throw new ShapeError(at, `text of at most ${longest} characters`);
    return value;
  });

/** A finite number from `least` to `most`. */
export const number = (least = -Number.MAX_VALUE, most = Number.MAX_VALUE): Schema<number> =>
  schema((value, at) => {
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw new ShapeError(at, `a number${range(least, most)}`);
  });

/** A whole number that a double holds exactly, from `least` to `most`. */
export const integer = (least = 0, most = Number.MAX_SAFE_INTEGER): Schema<number> =>
  schema((value, at) => {
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    throw new ShapeError(at, `a whole number${range(least, most)}`);
  });

const range = (least: number, most: number): string =>
  most >= Number.MAX_SAFE_INTEGER
    ? least < -Number.MAX_SAFE_INTEGER
      ? ''
      : ` of at least ${least}`
    : ` from ${least} to ${most}`;

/** true or false. */
export const flag = (): Schema<boolean> =>
  schema((value, at) => {
    if (typeof value !== 'boolean') throw new ShapeError(at, 'true or false');
    return value;
  });

/** One of these and nothing else: for parameters. */
export const oneOf = <const V extends readonly (string | number)[]>(...values: V): Schema<V[number]> =>
  schema((value, at) => {
    if (values.includes(value as V[number])) return value as V[number];
    throw new ShapeError(at, `one of ${values.join(', ')}`);
  });

/** A word of a list that later versions add to: for results and events. */
export const word = <const V extends readonly string[]>(..._known: V): Schema<V[number] | (string & {})> => text(64);

/** The shape, or null. */
export const nullable = <T>(inner: Schema<T>): Schema<T | null> =>
  schema((value, at) => (value === null ? null : inner.read(value, at)));

/** The shape, or null; also null where the other end is older and does not know it. */
export const added = <T>(inner: Schema<T>): Schema<T | null> =>
  schema((value, at) => (value === undefined || value === null ? null : inner.read(value, at)));

/** A list of at most `most` values. */
export const list = <T>(inner: Schema<T>, most = 10_000): Schema<readonly T[]> =>
  schema((value, at) => {
    if (!Array.isArray(value)) throw new ShapeError(at, 'a list');
    if (value.length > most) throw new ShapeError(at, `a list of at most ${most} values`);
    return value.map((item, i) => inner.read(item, `${at}[${i}]`));
  });

/** An object with any keys. */
export const map = <T>(inner: Schema<T>): Schema<{ readonly [key: string]: T }> =>
  schema((value, at) => {
    if (!isRecord(value)) throw new ShapeError(at, 'an object');
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner.read(item, inside(at, key))]));
  });

/** Text, number, flag or null, as log lines carry them. */
export const scalar = (): Schema<string | number | boolean | null> =>
  schema((value, at) => {
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as string;
    throw new ShapeError(at, 'text, a number, true, false or null');
  });

const inside = (at: string, key: string): string => (at === '' ? key : `${at}.${key}`);

/** An object of results and events: keys that are not named are left out of what is read. */
export const object = <R extends Fields, O extends Fields = Record<never, never>>(
  required: R,
  optional?: O,
): Schema<Required<R> & Optional<O>> => schema((value, at) => readObject(value, at, required, optional ?? {}) as never);

/** An object of parameters: a key that is not named is an error. */
export const parameters = <R extends Fields, O extends Fields = Record<never, never>>(
  required: R,
  optional?: O,
): Schema<Required<R> & Optional<O>> =>
  schema((value, at) => {
    const read = readObject(value, at, required, optional ?? {});
    for (const key of Object.keys(value as object)) {
      if (!Object.hasOwn(required, key) && !Object.hasOwn(optional ?? {}, key)) {
        throw new ShapeError(inside(at, key.slice(0, 64)), 'left out: this daemon does not know it');
      }
    }
    return read as never;
  });

function readObject(value: unknown, at: string, required: Fields, optional: Fields): object {
  if (!isRecord(value)) throw new ShapeError(at, 'an object');
  const read: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(required)) read.push([key, inner.read(value[key], inside(at, key))]);
  for (const [key, inner] of Object.entries(optional)) {
    if (Object.hasOwn(value, key)) read.push([key, inner.read(value[key], inside(at, key))]);
  }
  return Object.fromEntries(read);
}
