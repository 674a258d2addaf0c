// Who is signed in, in all windows of this browser. Owns the tokens and their renewal.

import type { Session, User } from "./types";

const KEY = "meridian.session";
const EARLY_MS = 60_000;

interface Stored {
  access: string;
  refresh: string;
  expires: number;
  user: User;
}

type Listener = (user: User | null) => void;
const listeners = new Set<Listener>();

function read(): Stored | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") as Stored | null;
  } catch {
    return null;
  }
}

/** The signed-in user. */
export function user(): User | null {
  return read()?.user ?? null;
}

/** Keeps a session, or ends it. */
export function keep(session: Session | null): void {
  if (session === null) localStorage.removeItem(KEY);
  else {
    const stored: Stored = {
      access: session.access_token,
      refresh: session.refresh_token,
      expires: Date.now() + session.expires_in * 1000,
      user: session.user,
    };
    localStorage.setItem(KEY, JSON.stringify(stored));
  }
  announce();
}

/** Calls `listener` whenever somebody signs in or out, in any window. */
export function onChange(listener: Listener): void {
  listeners.add(listener);
}

function announce(): void {
  for (const listener of listeners) listener(user());
}

addEventListener("storage", (event) => {
  if (event.key === KEY) announce();
});

/**
 * The access token, renewed by `renew` if it is about to expire. A refresh token is good for one use, so windows take
 * turns: whoever waited finds the new token in the store.
 */
export async function token(renew: (refresh: string) => Promise<Session | null>): Promise<string | null> {
  const stored = read();
  if (stored === null) return null;
  if (stored.expires - Date.now() > EARLY_MS) return stored.access;
  return navigator.locks.request("meridian.refresh", async () => {
    const current = read();
    if (current === null) return null;
    if (current.expires - Date.now() > EARLY_MS) return current.access;
    const session = await renew(current.refresh);
    if (session !== null) keep(session);
    else if (current.expires <= Date.now()) keep(null);
    return session?.access_token ?? (current.expires > Date.now() ? current.access : null);
  });
}
