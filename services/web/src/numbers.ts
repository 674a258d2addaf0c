// The counts of a video as this person should see them: what they did themselves shows at once and stays, although
// the platform counts it a little later. Pure but for the clock.

import type { Counts, LiveCounts, Reaction } from "./types";

/** After this the platform has counted what somebody did; what it says then is taken as it is. */
const COUNTED_MS = 60_000;

export interface Shown extends Counts {
  reaction: Reaction;
}

const FIELDS = ["views", "likes", "dislikes", "comments"] as const;
type Field = (typeof FIELDS)[number];

/** Keeps the numbers and calls `render` with each change. */
export function numbers(render: (shown: Shown) => void) {
  const shown: Shown = { views: 0, likes: 0, dislikes: 0, comments: 0, reaction: "none" };
  const own = new Map<Field, { at: number; up: boolean }>();
  let asOf = -1;

  const change = (field: Field, by: number): void => {
    if (!by) return;
    shown[field] = Math.max(0, shown[field] + by);
    own.set(field, { at: Date.now(), up: by > 0 });
  };

  return {
    /** What the platform counted, this person's own deeds included. */
    settle(counts: Counts & { reaction: Reaction; as_of: number }): void {
      if (counts.as_of < asOf) return;
      asOf = counts.as_of;
      own.clear();
      for (const field of FIELDS) shown[field] = counts[field];
      shown.reaction = counts.reaction;
      render(shown);
    },
    /** What the platform counted for everybody; it may lack what this person did a moment ago. */
    live(counts: LiveCounts): void {
      if (counts.as_of < asOf) return;
      asOf = counts.as_of;
      for (const field of FIELDS) {
        const mine = own.get(field);
        const fresh = mine !== undefined && Date.now() - mine.at < COUNTED_MS;
        const behind = fresh && (mine.up ? counts[field] < shown[field] : counts[field] > shown[field]);
        if (!behind) shown[field] = counts[field];
      }
      render(shown);
    },
    /** What this person did just now. */
    own(deed: Partial<Record<Field, number>>): void {
      for (const field of FIELDS) change(field, deed[field] ?? 0);
      render(shown);
    },
    /** This person's reaction from now on. */
    react(next: Reaction): void {
      change("likes", Number(next === "like") - Number(shown.reaction === "like"));
      change("dislikes", Number(next === "dislike") - Number(shown.reaction === "dislike"));
      shown.reaction = next;
      render(shown);
    },
  };
}
