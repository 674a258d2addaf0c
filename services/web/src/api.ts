// Calls of the platform's API. Owns headers, errors and the renewal of tokens; does not own what is called.

import * as session from "./session";
import type { Session } from "./types";

const SEEN = "x-meridian-seen";
const SEEN_KEY = "meridian.seen";

/** An answer that is an error: `code` for programs, `message` for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retrySeconds: number | null,
  ) {
    super(message);
  }
}

let base: Promise<string> | undefined;

/** Where the API is: on the page's own host unless config.json names another. */
export function origin(): Promise<string> {
  base ??= fetch("/config.json")
    .then((answer) => answer.json() as Promise<{ api: string }>)
    .then((config) => config.api)
    .catch(() => "");
  return base;
}

interface Options {
  method?: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
  keepalive?: boolean;
}

/** The access token of who is signed in, renewed if need be; null for nobody. */
export function accessToken(): Promise<string | null> {
  return session.token(renew);
}

/** The JSON answer of `path`. Throws ApiError. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const token = await accessToken();
  const answer = await send(path, options, token);
  if (answer.status === 401 && token !== null) session.keep(null);
  return read<T>(answer);
}

async function renew(refresh: string): Promise<Session | null> {
  const answer = await send("/api/accounts/refresh", { method: "POST", body: { refresh_token: refresh } }, null);
  if (answer.status === 401) session.keep(null);
  return answer.ok ? ((await answer.json()) as Session) : null;
}

async function send(path: string, options: Options, token: string | null): Promise<Response> {
  const headers = new Headers();
  if (options.body !== undefined) headers.set("content-type", "application/json");
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  // What this browser wrote must be seen by what it reads next, whichever replica answers.
  const seen = sessionStorage.getItem(SEEN_KEY);
  if (seen !== null) headers.set(SEEN, seen);
  let answer: Response;
  try {
    answer = await fetch((await origin()) + path, {
      method: options.method ?? "GET",
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
      keepalive: options.keepalive ?? false,
      // The answer for a video brings the cookies that open its media, on another host of the same site.
      credentials: "include",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "offline", "The platform cannot be reached. Check your connection and try again.", 2);
  }
  const wrote = answer.headers.get(SEEN);
  if (wrote !== null) sessionStorage.setItem(SEEN_KEY, wrote);
  return answer;
}

async function read<T>(answer: Response): Promise<T> {
  if (answer.status === 204) return undefined as T;
  const body = (await answer.json().catch(() => null)) as { error?: { code?: string; message?: string } } | null;
  if (answer.ok && body !== null) return body as T;
  const retry = Number(answer.headers.get("retry-after"));
  const wait = Number.isFinite(retry) && retry > 0 ? retry : null;
  const words =
    answer.status === 429
      ? `That was a lot at once. Try again in ${wait ?? "a few"} seconds.`
      : (body?.error?.message ?? "Something went wrong on our side. Try again in a moment.");
  throw new ApiError(answer.status, body?.error?.code ?? "unknown", words, wait);
}

/** What to tell a person about any error. */
export function explain(error: unknown): string {
  return error instanceof Error && error.message ? error.message : "Something went wrong. Try again in a moment.";
}
