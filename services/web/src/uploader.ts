// Sends a file in parts, several at a time, each bound to its checksum; goes on where an interrupted upload stopped.

import { ApiError, call } from "./api";

const PARALLEL = 3;
const TRIES = 5;
const KEY = "meridian.uploads";

export interface Description {
  channel_id: string;
  title: string;
  description: string;
  visibility: string;
}

export interface Progress {
  sent: number;
  total: number;
  bytesPerSecond: number;
}

interface Begun {
  upload_id: string;
  part_size: number;
}

interface Status extends Begun {
  state: "open" | "complete" | "aborted";
  size: number;
  parts: { number: number; size: number; sha256: string | null }[];
}

interface PartUrl {
  number: number;
  url: string;
  headers: Record<string, string>;
}

/** The unfinished upload of this very file that this browser knows, if any. */
export function unfinished(file: File): string | null {
  return remembered()[fingerprint(file)] ?? null;
}

/** Sends `file`, resuming `known` if it is still open; the id of the video. Throws ApiError, or AbortError. */
export async function upload(
  file: File,
  wish: Description,
  known: string | null,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<string> {
  const status = (known && (await resume(file, known, signal))) || (await begin(file, wish, signal));
  remember(file, status.upload_id);
  if (status.state === "open") {
    await sendParts(file, status, onProgress, signal);
    await persistently(() => call(`/api/uploads/${status.upload_id}/complete`, { method: "POST", body: {}, signal }), signal);
  }
  remember(file, null);
  return status.upload_id;
}

/** Gives up an upload; its parts are deleted. */
export async function cancel(file: File, uploadId: string): Promise<void> {
  remember(file, null);
  await call(`/api/uploads/${uploadId}`, { method: "DELETE" });
}

async function begin(file: File, wish: Description, signal: AbortSignal): Promise<Status> {
  const body = { ...wish, file_name: file.name, size: file.size, content_type: file.type };
  const begun = await call<Begun>("/api/uploads", { method: "POST", body, signal });
  return { ...begun, state: "open", size: file.size, parts: [] };
}

async function resume(file: File, uploadId: string, signal: AbortSignal): Promise<Status | null> {
  try {
    const status = await call<Status>(`/api/uploads/${uploadId}`, { signal });
    return status.state !== "aborted" && status.size === file.size ? status : null;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 410)) return null;
    throw error;
  }
}

async function sendParts(
  file: File,
  status: Status,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const count = Math.ceil(file.size / status.part_size);
  const done = new Map(status.parts.map((part) => [part.number, part.size]));
  const waiting = Array.from({ length: count }, (_, index) => index + 1).filter((number) => !done.has(number));
  const before = sum(done.values());
  const started = performance.now();
  const report = (): void => {
    const sent = sum(done.values());
    const seconds = (performance.now() - started) / 1000;
    onProgress({ sent, total: file.size, bytesPerSecond: seconds > 1 ? (sent - before) / seconds : 0 });
  };
  report();
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const lane = async (): Promise<void> => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      const current = number;
      await sendPart(file, status, current, either, (sent) => {
        done.set(current, sent);
        report();
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: PARALLEL }, lane));
  } catch (error) {
    failed.abort();
    throw error;
  }
}

async function sendPart(
  file: File,
  status: Status,
  number: number,
  signal: AbortSignal,
  onSent: (bytes: number) => void,
): Promise<void> {
  const start = (number - 1) * status.part_size;
  const content = await file.slice(start, start + status.part_size).arrayBuffer();
  const sha256 = base64(await crypto.subtle.digest("SHA-256", content));
  await persistently(async () => {
    onSent(0);
    const body = { parts: [{ number, sha256 }] };
    const path = `/api/uploads/${status.upload_id}/parts`;
    const answer = await call<{ parts: PartUrl[] }>(path, { method: "POST", body, signal });
    await put(answer.parts[0]!, content, signal, onSent);
    onSent(content.byteLength);
  }, signal);
}

/** XMLHttpRequest, because fetch does not tell how much of a request was sent. */
function put(part: PartUrl, content: ArrayBuffer, signal: AbortSignal, onSent: (bytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    const refuse = (status: number, words: string): void => reject(new ApiError(status, "part_refused", words, null));
    request.open("PUT", part.url);
    for (const [name, value] of Object.entries(part.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      if (request.status < 300) resolve();
      else refuse(request.status, "The storage refused a part of the file. Start the upload again to go on with it.");
    };
    request.onerror = () => refuse(0, "The connection was lost. Start the upload again to go on with it.");
    request.onabort = () => reject(new DOMException("The upload was stopped.", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort);
    request.send(content);
  });
}

/** Repeats `action` on failures that may pass, after growing pauses. */
async function persistently<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      signal.throwIfAborted();
      return await action();
    } catch (error) {
      if (!(error instanceof ApiError) || attempt >= TRIES || !mayPass(error)) throw error;
      await pause((error.retrySeconds ?? 2 ** (attempt - 1)) * 1000, signal);
    }
  }
}

function mayPass(error: ApiError): boolean {
  // A checksum that does not match (400) may be a fault on the line; a URL may have expired (403).
  const part = error.code === "part_refused" && (error.status === 400 || error.status === 403);
  return part || error.status === 0 || error.status === 429 || error.status >= 500;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("The upload was stopped.", "AbortError"));
    });
  });
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function base64(buffer: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(buffer)));
}

function fingerprint(file: File): string {
  return `${file.name}|${file.size}|${file.lastModified}`;
}

function remembered(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}

function remember(file: File, uploadId: string | null): void {
  const all = remembered();
  if (uploadId === null) delete all[fingerprint(file)];
  else all[fingerprint(file)] = uploadId;
  localStorage.setItem(KEY, JSON.stringify(all));
}
