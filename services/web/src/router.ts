// Which page stands in the window. A page is a function that fills the main element and may return its clean-up.

import { fill, h } from "./dom";
import { explain } from "./api";

type Leave = () => void;
export type Page = (main: HTMLElement, parts: string[], query: URLSearchParams) => Promise<Leave | void> | Leave | void;

const routes: [RegExp, Page][] = [];
let main: HTMLElement;
let leave: Leave | void;
let visit = 0;

/** Shows `page` where the path matches `pattern`; its groups become the page's parts. */
export function route(pattern: RegExp, page: Page): void {
  routes.push([pattern, page]);
}

/** Goes to `path` without loading the document again. */
export function go(path: string, replace = false): void {
  history[replace ? "replaceState" : "pushState"](null, "", path);
  void show();
}

/** Starts: from here on links within the page are followed here. */
export function start(element: HTMLElement): void {
  main = element;
  addEventListener("popstate", () => void show());
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest("a");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  void show();
}

/** Names the page in the window's title. */
export function title(words: string): void {
  document.title = words ? `${words} · Meridian` : "Meridian";
}

async function show(): Promise<void> {
  const mine = ++visit;
  leave?.();
  leave = undefined;
  const found = routes.find(([pattern]) => pattern.test(location.pathname));
  const fresh = h("div", { class: "page" });
  fill(main, fresh);
  scrollTo(0, 0);
  if (!found) {
    notice(fresh, "There is no such page.", "Go to the start page, or search for what you want to see.");
    return;
  }
  const parts = found[0].exec(location.pathname)!.slice(1).map(decodeURIComponent);
  try {
    const left = await found[1](fresh, parts, new URLSearchParams(location.search));
    if (mine === visit) leave = left;
    else left?.();
  } catch (error) {
    if (mine === visit) notice(fresh, "This page cannot be shown.", explain(error));
  }
  if (mine === visit) main.focus({ preventScroll: true });
}

/** Fills `parent` with a headline and a sentence. */
export function notice(parent: Element, headline: string, words: string): void {
  fill(parent, h("section", { class: "notice" }, h("h1", {}, headline), h("p", {}, words)));
}
