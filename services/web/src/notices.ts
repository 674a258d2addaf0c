// The bell: how many notices are unread, and the newest of them. Owns their words; what is told to whom is the platform's.

import { call } from "./api";
import { fill, h, icon, ICONS } from "./dom";
import { ago } from "./format";
import { notices as listen } from "./live";
import type { Notification, Notifications, Video } from "./types";

const SHOWN = 8;
/** What was announced a moment ago may not have reached the replica that answers. */
const AGAIN_MS = 1500;

type Told = Pick<Video, "title" | "channel">;

interface Bell {
  element: HTMLElement;
  /** Ends it: nobody is signed in any more. */
  end(): void;
}

/** A bell for who is signed in. */
export function bell(): Bell {
  const badge = h("span", { class: "bell-count", hidden: true });
  const summary = h("summary", { class: "avatar", "aria-label": "Notices" }, icon(ICONS.bell), badge);
  const list = h("ul", { class: "notices" });
  const element = h("details", { class: "menu bell" }, summary, h("div", { class: "menu-sheet" }, h("h2", {}, "Notices"), list));
  const spoken = h("p", { class: "hidden", role: "status" });
  const videos = new Map<string, Promise<Told | null>>();
  let known: Notifications | null = null;
  let alive = true;

  const video = (id: string): Promise<Told | null> => {
    const found = videos.get(id) ?? call<Video>(`/api/videos/${id}`).catch(() => null);
    videos.set(id, found);
    return found;
  };

  const load = async (): Promise<boolean> => {
    const answer = await call<Notifications>(`/api/notifications?limit=${SHOWN}`);
    if (!alive) return true;
    const before = known;
    known = answer;
    badge.textContent = answer.unread > 99 ? "99+" : String(answer.unread);
    badge.hidden = answer.unread === 0;
    summary.setAttribute("aria-label", answer.unread ? `Notices, ${answer.unread} unread` : "Notices");
    const seen = new Set(before?.notifications.map((one) => one.subject));
    const fresh = answer.notifications.filter((one) => !seen.has(one.subject));
    if (element.open) await show();
    const newest = fresh[0];
    if (before !== null && newest !== undefined) spoken.textContent = words(newest, await video(about(newest)));
    return before === null || fresh.length > 0;
  };

  const show = async (): Promise<void> => {
    const answer = known;
    if (answer === null) return;
    const told = await Promise.all(answer.notifications.map((one) => video(about(one))));
    if (answer !== known) return;
    const entries = answer.notifications.flatMap((one, index) => entry(one, told[index] ?? null));
    fill(list, ...(entries.length ? entries : [h("li", { class: "muted" }, "Nothing yet. Subscribe to a channel to hear of its new videos.")]));
    const newest = answer.notifications[0];
    if (!answer.unread || newest === undefined || !element.open) return;
    await call("/api/notifications/read", { method: "POST", body: { until: newest.at } });
    badge.hidden = true;
    summary.setAttribute("aria-label", "Notices");
  };

  const news = (): void => {
    load()
      .then((found) => {
        if (!found) setTimeout(() => void load().catch(() => undefined), AGAIN_MS);
      })
      .catch(() => undefined);
  };

  element.addEventListener("toggle", () => {
    if (element.open) void show().catch(() => undefined);
  });
  list.addEventListener("click", () => (element.open = false));
  const ended = listen(news);
  return {
    element: h("div", { class: "bell-slot" }, element, spoken),
    end(): void {
      alive = false;
      void ended.then((end) => end());
    },
  };
}

/** The video that a notice is about. */
function about(notice: Notification): string {
  return notice.under ?? notice.subject;
}

function words(notice: Notification, video: Told | null): string {
  if (video === null) return "";
  return notice.kind === "comment" ? `New comment on “${video.title}”` : `${video.channel.name} published “${video.title}”`;
}

/** Nothing for a video that is gone. */
function entry(notice: Notification, video: Told | null): HTMLElement[] {
  if (video === null) return [];
  const when = h("span", { class: "muted" }, ago(new Date(notice.at).toISOString()));
  return [h("li", { class: notice.read ? "" : "unread" }, h("a", { href: `/watch/${about(notice)}` }, h("span", {}, words(notice, video)), when))];
}
