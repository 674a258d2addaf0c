// What changes while a video is watched: counts and the number of viewers, over Socket.IO.

import { io } from "socket.io-client";

import { origin } from "./api";
import type { LiveCounts } from "./types";

interface Watched {
  ok: boolean;
  counts: LiveCounts | null;
  viewers: number;
}

interface Listener {
  counts(counts: LiveCounts): void;
  presence(viewers: number): void;
  connected(connected: boolean): void;
}

/** Watches a video until the returned function is called. */
export async function watch(video: string, listener: Listener): Promise<() => void> {
  // Without a token: what is shown is public, and an anonymous connection outlives every token.
  const socket = io((await origin()) || undefined, { transports: ["websocket"], reconnectionDelayMax: 30_000 });
  socket.on("connect", () => {
    listener.connected(true);
    socket.emit("watch", { video }, (answer: Watched) => {
      if (!answer.ok) return;
      if (answer.counts) listener.counts(answer.counts);
      listener.presence(answer.viewers);
    });
  });
  socket.on("disconnect", () => listener.connected(false));
  socket.on("counts", (counts: LiveCounts) => counts.video === video && listener.counts(counts));
  socket.on("presence", (news: { video: string; viewers: number }) => {
    if (news.video === video) listener.presence(news.viewers);
  });
  return () => socket.disconnect();
}
