// A channel with its videos, and opening one.

import { call } from "../api";
import { card, skeleton } from "../cards";
import { fill, h } from "../dom";
import { counted } from "../format";
import { eventId } from "../ids";
import { field, form } from "../forms";
import { go, title } from "../router";
import * as session from "../session";
import type { Channel, Subscription, Video } from "../types";
import { logInFirst } from "./account";

/** Opens a channel. */
export function create(main: HTMLElement): void {
  title("New channel");
  if (!session.user()) return go(logInFirst(), true);
  const fields = [
    field({ name: "name", label: "Name of the channel", required: true, maxlength: 80 }),
    field({ name: "description", label: "What is it about?", rows: 4, maxlength: 1000 }),
  ];
  const element = form("Create channel", fields, async (values) => {
    await call<Channel>("/api/channels", { method: "POST", body: Object.fromEntries(values) });
    go("/upload", true);
  });
  const words = h("p", { class: "muted" }, "Videos belong to channels. You need one to upload.");
  fill(main, h("section", { class: "sheet" }, h("h1", {}, "Create a channel"), words, element));
  element.querySelector("input")?.focus();
}

/** A channel and what it has published. */
export async function show(main: HTMLElement, [id]: string[]): Promise<void> {
  skeleton(main);
  const [channel, page] = await Promise.all([
    call<Channel>(`/api/channels/${id}`),
    call<{ videos: Video[]; next: string | null }>(`/api/channels/${id}/videos`),
  ]);
  title(channel.name);
  const list = h("ul", { class: "grid" });
  const add = (videos: Video[]): void => list.append(...videos.map(entry));
  add(page.videos);
  let next = page.next;
  const more = h("button", { class: "button quiet", hidden: next === null }, "Show more");
  more.addEventListener("click", () => {
    more.disabled = true;
    void call<{ videos: Video[]; next: string | null }>(`/api/channels/${id}/videos?before=${next}`).then((following) => {
      add(following.videos);
      next = following.next;
      more.hidden = next === null;
      more.disabled = false;
    });
  });
  const head = h(
    "header",
    { class: "channel-head" },
    h("span", { class: "avatar large", "aria-hidden": "true" }, channel.name.slice(0, 1).toUpperCase()),
    h("div", {}, h("h1", {}, channel.name), h("p", { class: "muted" }, counted(channel.subscribers, "subscriber")), h("p", {}, channel.description)),
    channel.mine ? h("a", { class: "button", href: "/upload" }, "Upload a video") : subscribe(channel.id),
  );
  const none = h("p", { class: "empty" }, channel.mine ? "You have not uploaded anything yet." : "Nothing published yet.");
  fill(main, head, page.videos.length ? list : none, more);
}

/** A button that follows the channel, or no longer, and shows whether the user does. */
export function subscribe(channelId: string): HTMLElement {
  const path = `/api/channels/${channelId}/subscription`;
  let active = false;
  const button = h("button", { class: "button", "aria-pressed": "false" }, "Subscribe");
  const show = (): void => {
    button.textContent = active ? "Subscribed" : "Subscribe";
    button.setAttribute("aria-pressed", String(active));
    button.classList.toggle("quiet", active);
  };
  // The button waits for the answer: pressed before it, it would not say what it does.
  const settled = (answer: Promise<Subscription>): void => {
    button.disabled = true;
    answer
      .then((state) => (active = state.active))
      .catch(() => undefined)
      .finally(() => {
        button.disabled = false;
        show();
      });
  };
  button.addEventListener("click", () => {
    if (!session.user()) return go(logInFirst());
    settled(call<Subscription>(path, { method: "PUT", body: { active: !active, id: eventId() } }));
  });
  if (session.user()) settled(call<Subscription>(path));
  return button;
}

function entry(video: Video): HTMLElement {
  const element = card({ ...video, views: video.counts.views });
  if (video.state !== "ready") {
    const words = video.state === "processing" ? `Processing ${video.progress} %` : video.state === "failed" ? "Failed" : "Uploading";
    element.querySelector(".poster")?.append(h("span", { class: `badge ${video.state}` }, words));
  }
  return element;
}
