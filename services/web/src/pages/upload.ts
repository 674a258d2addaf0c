// Uploading: choose a file, describe it, watch it go; it can be stopped and resumed.

import { ApiError, call, explain } from "../api";
import { fill, h, icon, ICONS } from "../dom";
import { bytes, duration } from "../format";
import { field, form } from "../forms";
import { go, title } from "../router";
import * as session from "../session";
import type { Channel } from "../types";
import { cancel, type Description, type Progress, unfinished, upload } from "../uploader";
import { logInFirst } from "./account";

/** The upload page. */
export async function page(main: HTMLElement): Promise<(() => void) | void> {
  title("Upload");
  if (!session.user()) return go(logInFirst(), true);
  const { channels } = await call<{ channels: Channel[] }>("/api/channels/mine");
  if (!channels.length) return go("/channel/new", true);
  const stop = new AbortController();
  const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
  const choose = (): void => {
    fill(main, chooser((file) => describe(main, file, channels, stop.signal, warn, choose)));
  };
  choose();
  return () => {
    stop.abort();
    removeEventListener("beforeunload", warn);
  };
}

function chooser(onFile: (file: File) => void): HTMLElement {
  const input = h("input", { type: "file", accept: "video/*,.mkv", class: "hidden", id: "file" });
  const zone = h(
    "label",
    { class: "drop", for: "file" },
    icon(ICONS.upload),
    h("strong", {}, "Choose a video, or drop it here"),
    h("span", { class: "muted" }, "MP4, MOV, MKV, WebM and others, up to 64 GiB and 12 hours"),
  );
  input.addEventListener("change", () => input.files?.[0] && onFile(input.files[0]));
  for (const name of ["dragover", "dragleave", "drop"] as const) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragover");
      const file = event.dataTransfer?.files[0];
      if (name === "drop" && file) onFile(file);
    });
  }
  return h("section", { class: "sheet wide" }, h("h1", {}, "Upload a video"), input, zone);
}

function describe(
  main: HTMLElement,
  file: File,
  channels: Channel[],
  signal: AbortSignal,
  warn: (event: BeforeUnloadEvent) => void,
  again: () => void,
): void {
  const known = unfinished(file);
  const channel = h("select", { name: "channel_id", id: "channel" }, ...channels.map((c) => h("option", { value: c.id }, c.name)));
  const visibility = h(
    "select",
    { name: "visibility", id: "visibility" },
    h("option", { value: "public" }, "Public"),
    h("option", { value: "unlisted" }, "Unlisted: whoever has the link"),
    h("option", { value: "private" }, "Private: only you"),
  );
  const fields = [
    field({ name: "title", label: "Title", required: true, maxlength: 120 }),
    field({ name: "description", label: "Description", rows: 4, maxlength: 5000 }),
    h("div", { class: "field" }, h("label", { for: "channel" }, "Channel"), channel),
    h("div", { class: "field" }, h("label", { for: "visibility" }, "Who may see it"), visibility),
  ];
  const element = form(known ? "Resume upload" : "Upload", fields, async (values) => {
    await run(main, file, Object.fromEntries(values) as unknown as Description, known, signal, warn, again);
  });
  const input = element.querySelector<HTMLInputElement>("input[name=title]");
  if (input) input.value = file.name.replace(/\.[^.]+$/, "").replaceAll(/[_-]+/g, " ").slice(0, 120);
  const words = known ? "An upload of this file was interrupted; it goes on where it stopped." : `${file.name} · ${bytes(file.size)}`;
  fill(main, h("section", { class: "sheet wide" }, h("h1", {}, "About the video"), h("p", { class: "muted" }, words), element));
  input?.select();
}

async function run(
  main: HTMLElement,
  file: File,
  wish: Description,
  known: string | null,
  leaving: AbortSignal,
  warn: (event: BeforeUnloadEvent) => void,
  again: () => void,
): Promise<void> {
  const bar = h("progress", { max: 100, value: 0, "aria-label": "Upload progress" });
  const words = h("p", { class: "muted", role: "status" }, "Preparing …");
  const problem = h("p", { class: "problem", role: "alert" });
  const buttons = h("div", { class: "row" });
  const retry = h("button", { class: "button", onclick: () => void attempt() }, "Go on");
  const drop = h("button", { class: "button quiet", onclick: () => void discard() }, "Cancel upload");
  fill(main, h("section", { class: "sheet wide" }, h("h1", {}, wish.title), bar, words, problem, buttons));

  const show = ({ sent, total, bytesPerSecond }: Progress): void => {
    const share = total ? Math.floor((sent / total) * 100) : 0;
    bar.value = share;
    const left = bytesPerSecond ? ` · ${duration(((total - sent) / bytesPerSecond) * 1000)} left` : "";
    words.textContent = `${share} % · ${bytes(sent)} of ${bytes(total)}${left}`;
  };
  const discard = async (): Promise<void> => {
    const id = unfinished(file);
    if (id) await cancel(file, id).catch(() => undefined);
    again();
  };
  const attempt = async (): Promise<void> => {
    const paused = new AbortController();
    problem.textContent = "";
    fill(buttons, h("button", { class: "button quiet", onclick: () => paused.abort() }, "Pause"));
    addEventListener("beforeunload", warn);
    try {
      const id = await upload(file, wish, unfinished(file) ?? known, show, AbortSignal.any([leaving, paused.signal]));
      go(`/watch/${id}`, true);
    } catch (error) {
      if (leaving.aborted) return;
      problem.textContent = paused.signal.aborted ? "" : explain(error);
      if (paused.signal.aborted) words.textContent = `Paused · ${words.textContent}`;
      const hopeless = error instanceof ApiError && error.status >= 400 && error.status < 429 && error.code !== "part_refused";
      fill(buttons, hopeless ? h("button", { class: "button", onclick: again }, "Choose another file") : retry, hopeless ? null : drop);
    } finally {
      removeEventListener("beforeunload", warn);
    }
  };
  await attempt();
}
