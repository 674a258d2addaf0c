// Watching a video: player, live numbers, reactions, comments; and, while it is processed, how far that is.

import { follow } from "../beacons";
import { ApiError, call, explain } from "../api";
import { card } from "../cards";
import { fill, h, icon, ICONS } from "../dom";
import { ago, count, counted } from "../format";
import { eventId, viewer } from "../ids";
import { watch as watchLive } from "../live";
import { numbers } from "../numbers";
import { player, type Player } from "../player";
import { go, title } from "../router";
import * as session from "../session";
import type { Card, Comment, LiveCounts, Reaction, Video } from "../types";
import { logInFirst } from "./account";
import { subscribe } from "./channel";

const POLL_MS = [3000, 3000, 3000, 3000, 3000, 5000, 5000, 5000, 10_000];
const RENEW_MS = 30 * 60_000;

/** The watch page. */
export async function show(main: HTMLElement, [id = ""]: string[]): Promise<() => void> {
  let video = await call<Video>(`/api/videos/${id}`);
  title(video.title);
  const ends: (() => void)[] = [];
  let alive = true;
  const stage = h("div", { class: "stage-slot" });
  const status = h("div", { class: "processing", role: "status" });
  const live = h("span", { class: "live", title: "Watching now" });
  const views = h("span", { "data-count": "views" });
  const shown = numbers((now) => {
    views.textContent = counted(now.views, "view");
    reactions.show(now.likes, now.dislikes, now.reaction);
    talk.count(now.comments);
  });
  const reactions = reactionButtons(id, shown);
  const talk = comments(id, shown);
  let current: Player | null = null;
  let url: string | null = null;

  const refresh = async (): Promise<void> => {
    const query = session.user() ? "" : `?viewer=${viewer()}`;
    shown.settle(await call<LiveCounts & { reaction: Reaction }>(`/api/videos/${id}/counts${query}`));
  };

  const place = (): void => {
    fill(status, ...progress(video));
    status.hidden = video.state === "ready";
    if (video.state === "failed" || !video.hls_url) {
      if (!current) fill(stage, waiting(video));
      return;
    }
    if (!current) {
      url = video.hls_url;
      current = player(url, video.poster_url, video.title, (words) => fill(status, h("p", { class: "problem" }, words)));
      fill(stage, current.element);
      const { media } = current;
      ends.push(follow(media, id, () => shown.own({ views: 1 })), current.destroy);
      return;
    }
    if (video.hls_url === url) return;
    const latest = video.hls_url;
    const take = (): void => {
      url = latest;
      current?.load(latest);
      status.querySelector(".better")?.remove();
    };
    // Before anybody presses play a better manifest is simply taken; afterwards it is offered.
    if (current.media.currentTime === 0 && current.media.paused) take();
    else {
      status.hidden = false;
      status.append(h("button", { class: "button quiet better", onclick: take }, "Higher quality is ready: switch"));
    }
  };

  // Cookies of signed playback end; each answer for the video brings new ones.
  const renewal = setInterval(() => void call<Video>(`/api/videos/${id}`).catch(() => undefined), RENEW_MS);
  ends.push(() => clearInterval(renewal));

  const poll = async (round: number): Promise<void> => {
    if (!alive || (video.state !== "processing" && video.state !== "uploading")) return;
    await new Promise((done) => setTimeout(done, POLL_MS[Math.min(round, POLL_MS.length - 1)]));
    if (!alive) return;
    try {
      video = await call<Video>(`/api/videos/${id}`);
      place();
    } catch (error) {
      const seconds = error instanceof ApiError ? (error.retrySeconds ?? 5) : 5;
      await new Promise((done) => setTimeout(done, seconds * 1000));
    }
    return poll(round + 1);
  };

  const about = h(
    "div",
    { class: "about" },
    h("h1", {}, video.title),
    h(
      "div",
      { class: "about-row" },
      h("a", { class: "byline", href: `/channel/${video.channel.id}` }, h("span", { class: "avatar", "aria-hidden": "true" }, video.channel.name.slice(0, 1).toUpperCase()), video.channel.name),
      video.mine ? null : subscribe(video.channel.id),
      h("div", { class: "spacer" }),
      reactions.element,
    ),
    h(
      "div",
      { class: "description" },
      h("p", { class: "facts" }, views, h("span", {}, ago(video.published_at ?? video.created_at)), live),
      h("p", { class: "words" }, video.description),
    ),
  );
  const related = h("aside", { class: "related", "aria-label": "Related videos" });
  fill(main, h("div", { class: "watch" }, h("div", { class: "watch-main" }, stage, status, about, talk.element), related));
  shown.settle({ ...video.counts, reaction: "none", as_of: 0 });
  place();
  void poll(0);
  void refresh().catch(() => undefined);
  void talk.load();
  void relatedTo(id, related);
  const leaveLive = watchLive(id, {
    counts: (counts) => shown.live(counts),
    presence: (viewers) => fill(live, icon(ICONS.eye), viewers > 0 ? `${count(viewers)} watching now` : ""),
    connected: (connected) => live.classList.toggle("off", !connected),
  });
  return () => {
    alive = false;
    for (const end of ends) end();
    void leaveLive.then((end) => end());
  };
}

function waiting(video: Video): HTMLElement {
  const words =
    video.state === "failed"
      ? (video.failure?.message ?? "This video could not be processed.")
      : video.state === "uploading"
        ? "This video is still being uploaded."
        : "The first quality is being made. It can be played in a moment.";
  const style = video.state === "failed" ? "stage placeholder failed" : "stage placeholder";
  return h("div", { class: style }, icon(ICONS.film), h("p", {}, words), video.state === "failed" && video.mine ? h("a", { class: "button", href: "/upload" }, "Upload another file") : null);
}

function progress(video: Video): Node[] {
  if (video.state !== "processing") return [];
  const ready = video.rungs.length ? `Ready so far: ${video.rungs.join(", ")}.` : "No quality is ready yet.";
  return [
    h("p", {}, h("strong", {}, `Processing: ${video.progress} %`), ` · ${ready}`),
    h("progress", { max: 100, value: video.progress, "aria-label": "Processing" }),
  ];
}

type Shown = ReturnType<typeof numbers>;

function reactionButtons(id: string, shown: Shown) {
  const button = (kind: "like" | "dislike"): HTMLButtonElement =>
    h("button", { class: "pill", "aria-pressed": "false", "aria-label": kind === "like" ? "Like" : "Dislike", "data-reaction": kind }, icon(ICONS[kind]), h("span", {}));
  const like = button("like");
  const dislike = button("dislike");
  let state: Reaction = "none";
  const press = (kind: Reaction): void => {
    if (!session.user()) return go(logInFirst());
    const before = state;
    const next = state === kind ? "none" : kind;
    shown.react(next);
    call(`/api/videos/${id}/reaction`, { method: "PUT", body: { state: next, id: eventId() } }).catch(() => shown.react(before));
  };
  like.addEventListener("click", () => press("like"));
  dislike.addEventListener("click", () => press("dislike"));
  return {
    element: h("div", { class: "pills", role: "group", "aria-label": "Your reaction" }, like, dislike),
    show(likes: number, dislikes: number, reaction: Reaction): void {
      state = reaction;
      like.lastElementChild!.textContent = count(likes);
      dislike.lastElementChild!.textContent = count(dislikes);
      like.setAttribute("aria-pressed", String(reaction === "like"));
      dislike.setAttribute("aria-pressed", String(reaction === "dislike"));
    },
  };
}

function comments(id: string, shown: Shown) {
  const head = h("h2", { "data-count": "comments" }, "Comments");
  const list = h("ol", { class: "comments" });
  const more = h("button", { class: "button quiet", hidden: true }, "Show more");
  const fresh = h("button", { class: "button quiet", hidden: true }, "Show new comments");
  let next: string | null = null;
  let known = -1;

  const load = async (from: string | null): Promise<void> => {
    const query = from ? `?before=${from}` : "";
    const page = await call<{ comments: Comment[]; next: string | null }>(`/api/videos/${id}/comments${query}`);
    const items = page.comments.map(comment);
    if (from) list.append(...items);
    else fill(list, ...(items.length ? items : [h("li", { class: "muted" }, "No comment yet.")]));
    next = page.next;
    more.hidden = next === null;
    fresh.hidden = true;
  };
  more.addEventListener("click", () => void load(next).catch(() => undefined));
  fresh.addEventListener("click", () => void load(null).catch(() => undefined));
  return {
    element: h("section", { class: "talk", "aria-label": "Comments" }, head, write(id, shown, list), fresh, list, more),
    load: () => load(null).catch((error: unknown) => fill(list, h("li", { class: "problem" }, explain(error)))),
    count(total: number): void {
      head.textContent = total ? counted(total, "comment") : "Comments";
      if (known >= 0 && total > known && total > list.querySelectorAll(".comment").length) fresh.hidden = false;
      known = total;
    },
  };
}

function write(id: string, shown: Shown, list: HTMLElement): HTMLElement {
  if (!session.user()) return h("p", {}, h("a", { href: logInFirst() }, "Log in"), " to write a comment.");
  const text = h("textarea", { name: "body", rows: 2, maxlength: 2000, required: true, placeholder: "Say something kind …", "aria-label": "Your comment" });
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { class: "button", type: "submit" }, "Comment");
  const element = h("form", { class: "write" }, text, problem, button);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    call<{ id: string; author_name: string; body: string }>(`/api/videos/${id}/comments`, { method: "POST", body: { body: text.value, id: eventId() } })
      .then((made) => {
        list.querySelector(":scope > .muted")?.remove();
        list.prepend(comment({ id: made.id, body: made.body, author: { id: "", name: made.author_name }, created_at: new Date().toISOString() }));
        text.value = "";
        shown.own({ comments: 1 });
      })
      .catch((error: unknown) => (problem.textContent = explain(error)))
      .finally(() => (button.disabled = false));
  });
  return element;
}

function comment(made: Comment): HTMLElement {
  return h(
    "li",
    { class: "comment" },
    h("span", { class: "avatar", "aria-hidden": "true" }, made.author.name.slice(0, 1).toUpperCase()),
    h("div", {}, h("p", { class: "muted" }, h("strong", {}, made.author.name), ` ${ago(made.created_at)}`), h("p", { class: "words" }, made.body)),
  );
}

async function relatedTo(id: string, parent: HTMLElement): Promise<void> {
  try {
    const answer = await call<{ videos: Card[] }>(`/api/videos/${id}/related?limit=8`);
    if (answer.videos.length) fill(parent, h("h2", {}, "Up next"), h("ul", { class: "column" }, ...answer.videos.map(card)));
  } catch {
    // The page is complete without it.
  }
}
