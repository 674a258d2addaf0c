// The start page and the results of a search.

import { call } from "../api";
import { grid, skeleton } from "../cards";
import { fill, h } from "../dom";
import { title } from "../router";
import * as session from "../session";
import type { Card } from "../types";

/** What the platform recommends. */
export async function home(main: HTMLElement): Promise<void> {
  title("");
  skeleton(main);
  const answer = await call<{ videos: Card[] }>("/api/recommendations?limit=24");
  const invitation = h(
    "div",
    { class: "notice" },
    h("h1", {}, "Nothing here yet"),
    h("p", {}, "Be the first: upload a video, and it appears here when it is ready."),
    h("a", { class: "button", href: session.user() ? "/upload" : "/signup" }, "Upload a video"),
  );
  fill(main, h("h1", { class: "hidden" }, "Recommended"), grid(answer.videos, invitation));
}

/** What matches the words in the address. */
export async function search(main: HTMLElement, _parts: string[], query: URLSearchParams): Promise<void> {
  const words = query.get("q")?.trim() ?? "";
  title(words ? `“${words}”` : "Search");
  if (!words) {
    fill(main, h("p", { class: "notice" }, "Type what you are looking for into the field above."));
    return;
  }
  skeleton(main);
  const answer = await call<{ videos: Card[] }>(`/api/search?${new URLSearchParams({ q: words, limit: "24" })}`);
  const none = h("div", { class: "notice" }, h("h1", {}, "No video found"), h("p", {}, `Nothing matches “${words}”. Try other words.`));
  fill(main, h("h1", { class: "results" }, `Results for “${words}”`), grid(answer.videos, none));
}
