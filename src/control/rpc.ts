// JSON-RPC 2.0 messages, as far as they have no content: requests, answers, errors, notifications. Content is the contract's.

/** Numbers of errors: JSON-RPC 2.0 §5.1, and ours. */
export const RPC_ERROR = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** An expected failure; `data.code` has its stable code. */
  failed: -32000,
} as const;

/** An error as it crosses the socket. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: { readonly code: string; readonly operation: string; readonly advice: string | null };
}

/** What identifies a request to who sent it. */
export type RequestId = number | string | null;

/** A request. */
export interface RpcRequest {
  readonly id: RequestId;
  readonly method: string;
  readonly params: unknown;
}

/** What a daemon sends. */
export type RpcMessage =
  | { readonly kind: 'result'; readonly id: RequestId; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: RequestId; readonly error: RpcError }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown };

/** A failure that is told to the other end. */
export class RpcFailure extends Error {
  readonly id: RequestId;
  readonly error: RpcError;

  constructor(id: RequestId, code: number, message: string) {
    super(message);
    this.name = 'RpcFailure';
    this.id = id;
    this.error = { code, message };
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function parseObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new RpcFailure(null, RPC_ERROR.parse, 'this is not JSON');
  }
  if (isRecord(value) && value.jsonrpc === '2.0') return value;
  throw new RpcFailure(null, RPC_ERROR.invalidRequest, 'this is not a JSON-RPC 2.0 message; batches are not taken');
}

const isId = (id: unknown): id is number | string =>
  typeof id === 'number' || (typeof id === 'string' && id.length <= 64);

/** Reads a request. @throws RpcFailure with what to answer */
export function parseRequest(line: string): RpcRequest {
  const { id, method, params } = parseObject(line);
  if (!isId(id)) throw new RpcFailure(null, RPC_ERROR.invalidRequest, 'a request has an id, a number or short text');
  if (typeof method !== 'string') throw new RpcFailure(id, RPC_ERROR.invalidRequest, 'a request has a method');
  return { id, method, params: params ?? {} };
}

/** Reads what a daemon sent. @throws RpcFailure when it is nothing that a daemon sends */
export function parseMessage(line: string): RpcMessage {
  const { id, method, params, result, error } = parseObject(line);
  if (typeof method === 'string') return { kind: 'notification', method, params };
  const of: RequestId = isId(id) ? id : null;
  if (isRecord(error)) return { kind: 'error', id: of, error: readError(error) };
  if (of !== null && result !== undefined) return { kind: 'result', id: of, result };
  throw new RpcFailure(of, RPC_ERROR.invalidRequest, 'neither an answer nor a notification');
}

function readError({ code, message, data }: Record<string, unknown>): RpcError {
  const plain = { code: Number(code), message: String(message) };
  if (!isRecord(data) || typeof data.code !== 'string') return plain;
  const advice = typeof data.advice === 'string' ? data.advice : null;
  return { ...plain, data: { code: data.code, operation: String(data.operation), advice } };
}

/** A request as it is sent. */
export const request = (id: number, method: string, params: object): object => ({ jsonrpc: '2.0', id, method, params });
/** An answer as it is sent. */
export const answer = (id: RequestId, result: object): object => ({ jsonrpc: '2.0', id, result });
/** An error as it is sent. */
export const failure = (id: RequestId, error: RpcError): object => ({ jsonrpc: '2.0', id, error });
/** A notification as it is sent. */
export const notification = (method: string, params: object): object => ({ jsonrpc: '2.0', method, params });
