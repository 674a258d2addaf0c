// Builds elements. Text is always set as text: nothing that a person wrote is ever parsed as HTML.

type Child = Node | string | null | false | undefined;
type Props = {
  [name: string]: string | number | boolean | null | undefined | ((event: never) => void);
};

/** An element with attributes, listeners (`onclick` and the like as functions) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...present(children));
  return element;
}

/** Replaces what `parent` holds. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren(...present(children));
}

function present(children: Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => child !== null && child !== false && child !== undefined);
}

const SVG = "http://www.w3.org/2000/svg";

/** A line icon of 24 units, hidden from assistive technology: whoever uses it labels the control. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

export const ICONS = {
  like: "M7 10v10H4V10zm0 0 4-7c1.500 0 2.500 1 2.200 2.600L12.600 9H19a2 2 0 0 1 2 2.300l-1.100 7A2 2 0 0 1 18 20H7",
  dislike: "M17 14V4h3v10zm0 0-4 7c-1.500 0-2.500-1-2.200-2.600l.6-3.400H5a2 2 0 0 1-2-2.300l1.100-7A2 2 0 0 1 6 4h11",
  upload: "M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13m5-1.500L21 21",
  bell: "M18 9.500a6 6 0 1 0-12 0c0 5-2 6.500-2 6.500h16s-2-1.500-2-6.500M10 19.500a2.100 2.100 0 0 0 4 0",
  eye: "M2 12s3.500-6.500 10-6.500S22 12 22 12s-3.500 6.500-10 6.500S2 12 2 12m10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
  film: "M4 5h16v14H4zm0 4h16M4 15h16M8 5v14m8-14v14",
} as const;
