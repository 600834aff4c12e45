// Elements, and how numbers and times read. Text from siltd becomes text nodes and nothing else: no function here, and
// none elsewhere on the page, takes markup.

const kSvg = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

// h("p", {class: "note"}, "text", otherNode)
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(kSvg, name), attributes, children);
}

export function replace(node, ...children) {
  node.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

const kNumber = new Intl.NumberFormat("en");
export const number = (value) => kNumber.format(Number(value ?? 0));
export const counted = (value, noun) => `${number(value)} ${noun}${Number(value) === 1 ? "" : "s"}`;

export function bytes(value) {
  let size = Number(value ?? 0);
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (size < 1000) return `${size < 10 && unit !== "B" ? size.toFixed(1) : Math.round(size)} ${unit}`;
    size /= 1000;
  }
  return `${size.toFixed(1)} TB`;
}

const two = (value) => String(value).padStart(2, "0");

// In the reader's own zone, like log lines are: 2026-11-30 17:02:09.
export function time(text) {
  if (!text) return "";
  const t = new Date(text);
  return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}

export function ago(text) {
  if (!text) return "never";
  const s = Math.max(0, Math.round((Date.now() - new Date(text)) / 1000));
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.round(s / 60)} min ago`;
  if (s < 86400) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} d ago`;
}

const kHours = 48;
const kHourMs = 3600000;

// Hours since 1970 by the clock on the wall: of "2026-11-21 09:00", and of a time of the API in the reader's zone.
export const hourOfGroup = (group) => Math.floor(Date.parse(`${group.value.replace(" ", "T")}Z`) / kHourMs);
export function hourOfTime(text) {
  const t = new Date(text);
  return Math.floor(Date.UTC(t.getFullYear(), t.getMonth(), t.getDate(), t.getHours()) / kHourMs);
}

// Bars for the two days that end with `endHour`, from a histogram by hour: {value, count}. Its label says in words what
// it shows.
export function sparkline(groups, endHour) {
  const counts = new Array(kHours).fill(0);
  for (const group of groups) {
    const at = hourOfGroup(group) - endHour + kHours - 1;
    if (at >= 0 && at < kHours) counts[at] += Number(group.count);
  }
  const most = Math.max(1, ...counts);
  const end = new Date((endHour + 1) * kHourMs).toISOString().slice(0, 16).replace("T", " ");
  const label = `records per hour in the two days before ${end}: at most ${number(Math.max(...counts))}, in the last hour ${number(counts.at(-1))}`;
  const width = 2.5 * kHours;
  const bars = counts.map((count, i) => {
    const height = count === 0 ? 0 : Math.max(1.5, (18 * count) / most);
    return svg("rect", {x: 2.5 * i, y: 19 - height, width: 2, height});
  });
  const ground = svg("line", {x1: 0, y1: 19.5, x2: width, y2: 19.5});
  return svg("svg", {class: "spark", viewBox: `0 0 ${width} 20`, width, height: 20, role: "img", "aria-label": label}, svg("title", {}, label), ground, bars);
}

// A table that reads as cards where the screen is narrow. `columns`: {name, class}.
export function table(caption, columns, rows) {
  const head = h("tr", {}, columns.map((column) => h("th", {scope: "col", class: column.class}, column.name)));
  return h("div", {class: "scroll"}, h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, rows)));
}

export function cells(columns, values) {
  return values.map((value, i) => h("td", {"data-name": columns[i].name, class: columns[i].class}, value));
}
