/** Calls the node. The token is kept where only this origin reads it; the cookie beside it is the browser's (docs/protocol.md). */
import type { Get, Post } from "./schema";

const TOKEN = "connexa.token";

/** A refusal of the node, with its code; `node.down` and `node.timeout` are ours. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly retryable: boolean,
    readonly status: number,
  ) {
    super(message);
  }
}

export function readToken(): string {
  return localStorage.getItem(TOKEN) ?? "";
}

const strangers = new Set<() => void>();

/** Be told when the node does not know this browser any more. */
export function onLocked(tell: () => void): () => void {
  strangers.add(tell);
  return () => strangers.delete(tell);
}

/** Take the one-time key out of the address line and exchange it; the address line forgets it first. */
export async function logInFromAddress(): Promise<void> {
  const key = /^#k=([0-9a-f]{64})$/.exec(location.hash)?.[1];
  if (!key) return;
  history.replaceState(null, "", "/");
  const answer = await call<{ token: string }>("POST", "/api/account/login", { key });
  localStorage.setItem(TOKEN, answer.token);
}

const CALL_SECONDS = 60;

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { authorization: `Bearer ${readToken()}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_SECONDS * 1000),
  }).catch((error: unknown) => {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(late ? "node.timeout" : "node.down", "The node does not answer.", "Start it: connexa up", true, 0);
  });
  if (response.ok) return response.json() as Promise<T>;
  const refusal = await response.json().catch(() => null);
  const said = refusal?.error ?? { code: "node.strange", message: `Status ${response.status}`, hint: "", retryable: false };
  if (response.status === 401) for (const tell of strangers) tell();
  throw new ApiError(said.code, said.message, said.hint, said.retryable, response.status);
}

/** Read something; the names in braces of `path` are given in `place`, each as one part of the path. */
export function read<P extends keyof Get>(path: P, asked: Get[P]["takes"], place: Record<string, string> = {}): Promise<Get[P]["answers"]> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) if (value !== undefined && value !== "") query.set(name, String(value));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(place[name] ?? ""));
  return call("GET", query.size ? `${filled}?${query}` : filled);
}

/** Do something. */
export function act<P extends keyof Post>(path: P, body: Post[P]["takes"]): Promise<Post[P]["answers"]> {
  return call("POST", path, body);
}

/** An id for a message of ours: with it, a repetition of a send does nothing. */
export function newMessageId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
