// The kinds of lines there are, how often each came over time, and what varies in them.
import {call} from "./api.js";
import {ago, cells, counted, h, hourOfTime, number, replace, sparkline, table, time} from "./dom.js";
import {failure} from "./failure.js";

const kColumns = [{name: "Count", class: "number"}, {name: "Pattern", class: "wide"}, {name: "Per hour"}, {name: "Last"}, {name: "Source", class: "name"}];

function slotList(slots) {
  const item = (slot) => h("li", {}, h("code", {}, slot.name), ` ${slot.type}${slot.unit ? `, ${slot.unit}` : ""}, ${counted(slot.valuesTotal, "value")}: `,
    slot.top.map((value) => `${value.value} (${number(value.count)})`).join(", "));
  return slots.length === 0 ? h("p", {}, "Nothing varies in it.") : h("ul", {class: "slots"}, slots.map(item));
}

// Asked for when its row comes into view.
async function drawSparkline(cell, pattern, endHour) {
  try {
    const query = {operation: "histogram", group: "hour", patterns: [pattern.id]};
    const reply = await call("QueryService/Query", {query, sources: [pattern.source], evidenceMax: 1, zoneS: -60 * new Date().getTimezoneOffset()});
    replace(cell, sparkline(reply.groups, endHour));
  } catch (error) {
    replace(cell, h("span", {class: "note"}, error.message));
  }
}

function rowsOf(pattern, observer, endHour) {
  const details = h("tr", {class: "details", hidden: true}, h("td", {colspan: kColumns.length}, slotList(pattern.slots)));
  const text = h("button", {type: "button", class: "pattern", "aria-expanded": "false", "aria-label": `What varies in: ${pattern.text}`}, pattern.text);
  text.addEventListener("click", () => {
    details.hidden = !details.hidden;
    text.setAttribute("aria-expanded", String(!details.hidden));
  });
  const row = h("tr", {}, cells(kColumns, [number(pattern.count), text, "", h("time", {datetime: pattern.last ?? "", title: time(pattern.last)}, ago(pattern.last)), pattern.source]));
  row.sight = () => drawSparkline(row.cells[2], pattern, endHour);
  observer.observe(row);
  return [row, details];
}

export async function showPatterns(main) {
  const source = h("select", {id: "pattern-source"}, h("option", {value: ""}, "all sources"));
  const list = h("div", {"aria-live": "polite"});
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      observer.unobserve(entry.target);
      entry.target.sight();
    }
  });
  let body = null;
  let endHour = 0;  // of all sparklines: the newest record's

  async function load(token) {
    try {
      const reply = await call("QueryService/Patterns", {limit: 25, pageToken: token, sources: source.value ? [source.value] : []});
      endHour = Math.max(endHour, ...reply.patterns.filter((pattern) => pattern.last).map((pattern) => hourOfTime(pattern.last)));
      const rows = reply.patterns.flatMap((pattern) => rowsOf(pattern, observer, endHour));
      if (token === "") {
        const made = table(`${counted(reply.patternsTotal, "pattern")}, the most frequent first`, kColumns, rows);
        body = made.querySelector("tbody");
        replace(list, made);
      } else {
        list.lastChild.remove();
        body.append(...rows);
      }
      if (reply.nextPageToken) list.append(h("button", {type: "button", onclick: () => load(reply.nextPageToken)}, "More patterns"));
    } catch (error) {
      replace(list, failure(error));
    }
  }

  source.addEventListener("change", () => load(""));
  replace(main, h("h1", {}, "Patterns"), h("form", {class: "filter"}, h("label", {for: "pattern-source"}, "Source"), source), list);
  await load("");
  const {sources} = await call("SourceService/ListSources", {tenant: "*"}).catch(() => ({sources: []}));
  source.append(...sources.map((each) => h("option", {value: each.source}, each.source)));
}
