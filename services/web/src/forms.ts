// Forms: labelled fields, one button, errors where people look.

import { explain } from "./api";
import { h } from "./dom";

interface Field {
  name: string;
  label: string;
  type?: string;
  autocomplete?: string;
  hint?: string;
  required?: boolean;
  minlength?: number;
  maxlength?: number;
  rows?: number;
}

let serial = 0;

/** A labelled input, or a text area if it has rows. */
export function field(wish: Field): HTMLElement {
  const id = `field-${++serial}`;
  const { label, hint, rows, ...rest } = wish;
  const common = { ...rest, id, "aria-describedby": hint ? `${id}-hint` : null };
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    rows ? h("textarea", { ...common, rows }) : h("input", common),
    hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null,
  );
}

/** A form that calls `submit` with its values and shows the error that it throws. */
export function form(words: string, fields: Node[], submit: (values: FormData) => Promise<void>): HTMLFormElement {
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { class: "button", type: "submit" }, words);
  const element = h("form", {}, ...fields, problem, button);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    submit(new FormData(element))
      .catch((error: unknown) => (problem.textContent = explain(error)))
      .finally(() => (button.disabled = false));
  });
  return element;
}
