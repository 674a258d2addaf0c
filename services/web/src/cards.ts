// Videos in a grid.

import { fill, h, icon, ICONS } from "./dom";
import { ago, counted, duration } from "./format";
import type { Card } from "./types";

/** One video as a link with its picture. */
export function card(video: Card): HTMLElement {
  const picture = h("span", { class: "poster" });
  if (video.poster_url) picture.append(h("img", { src: video.poster_url, alt: "", loading: "lazy", width: 320, height: 180 }));
  else picture.append(icon(ICONS.film));
  if (video.duration_ms) picture.append(h("span", { class: "length" }, duration(video.duration_ms)));
  const facts = [counted(video.views, "view"), ...(video.published_at ? [ago(video.published_at)] : [])].join(" · ");
  return h(
    "li",
    { class: "card" },
    h("a", { href: `/watch/${video.id}`, class: "card-link" }, picture, h("h2", {}, video.title)),
    h("a", { href: `/channel/${video.channel.id}`, class: "muted" }, video.channel.name),
    h("p", { class: "muted" }, facts),
  );
}

/** A grid of videos, or `empty` if there are none. */
export function grid(videos: Card[], empty: Node): HTMLElement {
  if (!videos.length) return h("div", { class: "empty" }, empty);
  return h("ul", { class: "grid" }, ...videos.map(card));
}

/** Grey cards while the real ones are on their way. */
export function skeleton(parent: Element, cards = 8): void {
  const items = Array.from({ length: cards }, () =>
    h("li", { class: "card" }, h("span", { class: "poster ghost" }), h("span", { class: "line ghost" }), h("span", { class: "line short ghost" })),
  );
  fill(parent, h("ul", { class: "grid", "aria-busy": "true", "aria-label": "Loading" }, ...items));
}
