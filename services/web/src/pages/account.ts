// Signing up, logging in, logging out.

import { call } from "../api";
import { fill, h } from "../dom";
import { field, form } from "../forms";
import { go, title } from "../router";
import * as session from "../session";
import type { Session } from "../types";

const EMAIL = { name: "email", label: "E-mail", type: "email", autocomplete: "username", required: true, maxlength: 254 };

/** Registers a person. */
export function signUp(main: HTMLElement, _parts: string[], query: URLSearchParams): void {
  title("Sign up");
  const fields = [
    field({ name: "display_name", label: "Name", autocomplete: "nickname", required: true, maxlength: 80, hint: "Others see it beside your comments." }),
    field(EMAIL),
    field({ name: "password", label: "Password", type: "password", autocomplete: "new-password", required: true, minlength: 8, maxlength: 128, hint: "At least 8 characters." }),
  ];
  const element = form("Create account", fields, async (values) => {
    session.keep(await call<Session>("/api/accounts/signup", { method: "POST", body: Object.fromEntries(values) }));
    go(destination(query, "/channel/new"), true);
  });
  show(main, "Create your account", element, h("p", {}, "You have one already? ", h("a", { href: `/login${suffix(query)}` }, "Log in")));
}

/** Opens a session. */
export function logIn(main: HTMLElement, _parts: string[], query: URLSearchParams): void {
  title("Log in");
  const fields = [
    field(EMAIL),
    field({ name: "password", label: "Password", type: "password", autocomplete: "current-password", required: true, maxlength: 128 }),
  ];
  const element = form("Log in", fields, async (values) => {
    session.keep(await call<Session>("/api/accounts/login", { method: "POST", body: Object.fromEntries(values) }));
    go(destination(query, "/"), true);
  });
  show(main, "Welcome back", element, h("p", {}, "New here? ", h("a", { href: `/signup${suffix(query)}` }, "Create an account")));
}

/** Ends the session, here at once and on the platform when it can be reached. */
export async function logOut(): Promise<void> {
  const ended = call("/api/accounts/logout", { method: "POST" }).catch(() => undefined);
  await ended;
  session.keep(null);
  go("/");
}

/** The address of the log-in page that leads back to here. */
export function logInFirst(): string {
  return `/login?to=${encodeURIComponent(location.pathname + location.search)}`;
}

function destination(query: URLSearchParams, otherwise: string): string {
  const wanted = query.get("to") ?? "";
  // Only paths of this page: an address that begins with two slashes would be another host.
  return /^\/(?![/\\])/.test(wanted) ? wanted : otherwise;
}

function suffix(query: URLSearchParams): string {
  const wanted = query.get("to");
  return wanted ? `?to=${encodeURIComponent(wanted)}` : "";
}

function show(main: HTMLElement, words: string, element: HTMLElement, below: HTMLElement): void {
  fill(main, h("section", { class: "sheet" }, h("h1", {}, words), element, below));
  element.querySelector("input")?.focus();
}
