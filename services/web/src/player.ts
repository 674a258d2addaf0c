// The player: hls.js over a native video element, with a menu of qualities and speeds.

import Hls, { type Level } from "hls.js";

import { h } from "./dom";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const RECOVERIES = 3;

/** Where playback is signed, its cookies belong to the media host and are sent only when asked for. */
const admitted = (request: XMLHttpRequest): void => {
  request.withCredentials = true;
};

export interface Player {
  element: HTMLElement;
  media: HTMLVideoElement;
  /** Plays another manifest of the same video from where it is. */
  load(url: string): void;
  destroy(): void;
}

/** A player for `url`. `onError` gets a sentence when it cannot go on. */
export function player(url: string, poster: string | null, title: string, onError: (words: string) => void): Player {
  const media = h("video", { controls: true, playsinline: true, preload: "metadata", poster, "aria-label": title });
  const quality = h("select", { "aria-label": "Quality" });
  const speed = h("select", { "aria-label": "Speed" });
  for (const rate of SPEEDS) speed.append(h("option", { value: rate, selected: rate === 1 }, `${rate}×`));
  speed.addEventListener("change", () => (media.playbackRate = Number(speed.value)));
  const bar = h("div", { class: "player-bar" }, h("label", {}, "Quality ", quality), h("label", {}, "Speed ", speed));
  const element = h("div", { class: "player" }, h("div", { class: "stage" }, media), bar);
  let hls: Hls | null = null;
  let recoveries = 0;

  const auto = h("option", { value: -1 }, "Auto");
  const name = (level: Level): string => {
    const short = Math.min(level.width, level.height);
    return `${short}p${level.frameRate > 31 ? Math.round(level.frameRate) : ""}`;
  };

  const load = (next: string): void => {
    const at = media.currentTime;
    const playing = !media.paused;
    hls?.destroy();
    if (!Hls.isSupported()) {
      // iPhones play HLS by themselves, and choose the quality themselves too.
      bar.firstElementChild?.remove();
      media.src = next;
      media.currentTime = at;
      return;
    }
    hls = new Hls({ startPosition: at > 0 ? at : -1, maxBufferLength: 30, backBufferLength: 60, xhrSetup: admitted });
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      const levels = hls?.levels ?? [];
      const options = levels.map((level, index) => h("option", { value: index }, name(level)));
      quality.replaceChildren(auto, ...options.reverse());
      quality.value = "-1";
      if (playing) void media.play().catch(() => undefined);
    });
    hls.on(Hls.Events.LEVEL_SWITCHED, (_event, data) => {
      const level = hls?.levels[data.level];
      if (level) auto.textContent = `Auto (${name(level)})`;
    });
    hls.on(Hls.Events.ERROR, (_event, data) => {
      if (!data.fatal) return;
      recoveries += 1;
      if (recoveries <= RECOVERIES && data.type === Hls.ErrorTypes.NETWORK_ERROR) hls?.startLoad();
      else if (recoveries <= RECOVERIES && data.type === Hls.ErrorTypes.MEDIA_ERROR) hls?.recoverMediaError();
      else onError("Playback stopped because the video could not be loaded. Reload the page to try again.");
    });
    hls.loadSource(next);
    hls.attachMedia(media);
  };

  quality.addEventListener("change", () => {
    if (hls) hls.nextLevel = Number(quality.value);
  });
  load(url);
  return {
    element,
    media,
    load,
    destroy: () => {
      hls?.destroy();
      media.removeAttribute("src");
      media.load();
    },
  };
}
