// What changes in the logs, as it changes: incidents, the newest first, each with its changes and the records that show them.
import {call, textOf} from "./api.js";
import {h, replace, time} from "./dom.js";
import {failure} from "./failure.js";

const kShown = 100;  // incidents

function changeItem(change) {
  return h("li", {},
    h("p", {class: "origin"}, h("time", {datetime: change.time}, time(change.time)), " ", h("span", {class: "badge closest"}, change.kind.replace("_", " ")), ` ${change.text}`),
    change.seq === "0" ? null : h("pre", {class: "line"}, `#${change.seq} ${textOf(change.record)}`));
}

// An incident that goes on keeps its place and grows.
function show(list, items, incident) {
  let item = items.get(incident.id);
  if (!item) {
    item = h("li", {}, h("h2", {}, `Incident ${incident.id}`), h("p", {class: "origin"}), h("ul", {"aria-label": `Changes of incident ${incident.id}`}));
    items.set(incident.id, item);
    list.prepend(item);
  }
  replace(item.children[1], incident.sources.join(", "));
  item.children[2].append(...incident.changes.map(changeItem));
  if (list.children.length > kShown) list.lastChild.remove();
}

export async function showWatch(main, signal) {
  const note = h("div", {class: "note", role: "status"}, "Nothing unusual is known.");
  const list = h("ul", {class: "incidents", "aria-live": "polite", "aria-label": "Incidents"});
  const items = new Map();
  replace(main, h("h1", {}, "Watch"), note, list);
  let token = "";

  async function ask() {
    let wait = 5000;
    try {
      const reply = await call("WatchService/Watch", {tenant: "*", token, recent: token === ""}, signal);
      if (reply.missed) replace(note, "Some changes are not known any more: siltd was started again, or there were too many.");
      else if (items.size + reply.incidents.length > 0) replace(note, "");
      for (const incident of reply.incidents) show(list, items, incident);
      token = reply.token;
      wait = reply.pollMs;
    } catch (error) {
      if (error.name === "AbortError") return;
      replace(note, failure(error));
      if (error.code === "unauthenticated") return;  // until there is a token
    }
    setTimeout(() => signal.aborted || ask(), wait);
  }
  await ask();
}
