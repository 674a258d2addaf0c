// Tells the platform what was watched: a heartbeat every ten seconds of play, and one view when it qualifies.

import { call } from "./api";
import { eventId, viewer } from "./ids";

const HEARTBEAT_MS = 10_000;
const QUALIFIED_MS = 30_000;
const STEP_MS = 1_500;
const RETRY_MS = 5_000;

/** Counts the time that `media` really plays (seeking and pauses excluded) until the returned function is called. */
export function follow(media: HTMLVideoElement, video: string, onView: () => void): () => void {
  let played = 0;
  let told = 0;
  let counted = false;
  let sending = false;
  let retryAt = 0;
  let last = media.currentTime;
  const view = { kind: "view", id: eventId(), video };

  const step = (): void => {
    const moved = (media.currentTime - last) * 1000;
    last = media.currentTime;
    if (moved > 0 && moved < STEP_MS * Math.max(1, media.playbackRate)) played += moved;
    const needed = Math.min(QUALIFIED_MS, Number.isFinite(media.duration) ? (media.duration * 1000) / 2 : QUALIFIED_MS);
    if (!counted && !sending && played >= needed && Date.now() >= retryAt) void tellView();
    if (played - told >= HEARTBEAT_MS) tellWatched(false);
  };

  const tellView = async (): Promise<void> => {
    sending = true;
    try {
      const event = { ...view, watched_ms: Math.floor(played) };
      const answer = await send([event], false);
      // A refusal is final for what was watched so far; watching more may still qualify.
      counted = answer.refused.length === 0;
      if (answer.accepted) onView();
      if (!counted) retryAt = Date.now() + RETRY_MS;
    } catch {
      retryAt = Date.now() + RETRY_MS;
    } finally {
      sending = false;
    }
  };

  const tellWatched = (leaving: boolean): void => {
    const watched = Math.floor(played - told);
    if (watched < 1000) return;
    told = played;
    // A lost heartbeat is a little less watch time, nothing that anybody waits for.
    send([{ kind: "watch", id: eventId(), video, watched_ms: watched }], leaving).catch(() => undefined);
  };

  const hide = (): void => {
    if (document.visibilityState === "hidden") tellWatched(true);
  };
  media.addEventListener("timeupdate", step);
  media.addEventListener("ended", step);
  document.addEventListener("visibilitychange", hide);
  return () => {
    tellWatched(true);
    media.removeEventListener("timeupdate", step);
    media.removeEventListener("ended", step);
    document.removeEventListener("visibilitychange", hide);
  };
}

function send(events: object[], leaving: boolean): Promise<{ accepted: number; refused: unknown[] }> {
  return call("/api/events", { method: "POST", body: { viewer: viewer(), events }, keepalive: leaving });
}
