// Ids that the page makes: of events, so that a repeated request counts once, and of a viewer who is not signed in.

const VIEWER_KEY = "meridian.viewer";

/** A UUID of version 7: it carries the time, which the platform reads. */
export function eventId(now = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  new DataView(bytes.buffer).setUint32(0, Math.floor(now / 0x10000));
  new DataView(bytes.buffer).setUint16(4, now % 0x10000);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A random name for this browser, which says nothing about its owner. */
export function viewer(): string {
  let name = localStorage.getItem(VIEWER_KEY);
  if (name === null) {
    name = crypto.randomUUID().replaceAll("-", "");
    localStorage.setItem(VIEWER_KEY, name);
  }
  return name;
}
