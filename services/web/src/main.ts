// The frame around all pages: header, search, who is signed in.

import "./style.css";

import { fill, h, icon, ICONS } from "./dom";
import { bell } from "./notices";
import { logIn, logOut, signUp } from "./pages/account";
import * as channel from "./pages/channel";
import { home, search } from "./pages/home";
import * as upload from "./pages/upload";
import { go, route, start } from "./router";
import * as session from "./session";

route(/^\/$/, home);
route(/^\/search$/, search);
route(/^\/login$/, logIn);
route(/^\/signup$/, signUp);
route(/^\/upload$/, upload.page);
route(/^\/channel\/new$/, channel.create);
route(/^\/channel\/([0-9A-Za-z]{11})$/, channel.show);
// The player is by far the largest part: it is loaded by whoever watches.
route(/^\/watch\/([0-9A-Za-z]{11})$/, async (main, parts) => (await import("./pages/watch")).show(main, parts));

const words = h("input", { type: "search", name: "q", placeholder: "Search", "aria-label": "Search videos", maxlength: 100, value: new URLSearchParams(location.search).get("q") });
const finder = h("form", { class: "search", role: "search" }, words, h("button", { type: "submit", "aria-label": "Search" }, icon(ICONS.search)));
finder.addEventListener("submit", (event) => {
  event.preventDefault();
  go(`/search?${new URLSearchParams({ q: words.value.trim() })}`);
});

const account = h("nav", { class: "account", "aria-label": "Account" });
let notices: { user: string; bell: ReturnType<typeof bell> } | null = null;

function frame(): void {
  const user = session.user();
  // A renewed token is no other person: their bell stays.
  if (notices !== null && notices.user !== user?.id) {
    notices.bell.end();
    notices = null;
  }
  if (user) {
    notices ??= { user: user.id, bell: bell() };
    fill(
      account,
      h("a", { class: "button", href: "/upload" }, icon(ICONS.upload), h("span", { class: "wide-only" }, "Upload")),
      notices.bell.element,
      h("details", { class: "menu" }, h("summary", { class: "avatar", "aria-label": `Account of ${user.display_name}` }, user.display_name.slice(0, 1).toUpperCase()), h("div", { class: "menu-sheet" }, h("p", {}, h("strong", {}, user.display_name)), h("p", { class: "muted" }, user.email), h("button", { class: "button quiet", onclick: () => void logOut() }, "Log out"))),
    );
  } else {
    fill(account, h("a", { class: "button quiet", href: "/login" }, "Log in"), h("a", { class: "button wide-only", href: "/signup" }, "Sign up"));
  }
}

session.onChange(frame);
frame();

const main = h("main", { id: "main", tabindex: -1 });
const brand = h("a", { class: "brand", href: "/" }, h("img", { src: "/favicon.svg", alt: "", width: 28, height: 28 }), h("span", {}, "Meridian"));
fill(
  document.getElementById("app")!,
  h("a", { class: "skip", href: "#main", onclick: (event: MouseEvent) => (event.preventDefault(), main.focus()) }, "Skip to content"),
  h("header", { class: "top" }, brand, finder, account),
  main,
);
start(main);
