// What changes while somebody looks: a video's counts and viewers, and that there is news for who is signed in. Over
// Socket.IO.

import { io } from "socket.io-client";

import { accessToken, origin } from "./api";
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

/**
 * Calls `news` whenever there is something new among the notifications of who is signed in, until the returned function
 * is called; and after each connection, as something may have come while there was none.
 */
export async function notices(news: () => void): Promise<() => void> {
  const socket = io((await origin()) || undefined, {
    transports: ["websocket"],
    reconnectionDelayMax: 30_000,
    // Asked for each connection: a token ends long before the page is closed.
    auth: (give) => void accessToken().then((token) => give(token === null ? {} : { token })),
  });
  socket.on("connect", news);
  // Without a connection what was told before is shown all the same.
  socket.once("connect_error", news);
  socket.on("notice", news);
  return () => socket.disconnect();
}
