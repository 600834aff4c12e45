// Which view is shown, and how siltd is. Everything else is in the modules of the views.
import {showAsk} from "./ask.js";
import {h, replace} from "./dom.js";
import {showPatterns} from "./patterns.js";
import {showSources} from "./sources.js";
import {showStates} from "./states.js";
import {showWatch} from "./watch.js";

const kViews = {"#ask": showAsk, "#watch": showWatch, "#patterns": showPatterns, "#sources": showSources, "#states": showStates};
const kHealthMs = 10000;
let leave = new AbortController();

function show() {
  const wanted = location.hash in kViews ? location.hash : "#ask";
  leave.abort();
  leave = new AbortController();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === wanted) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const main = document.getElementById("main");
  replace(main);
  kViews[wanted](main, leave.signal);
}

async function showHealth() {
  const place = document.getElementById("health");
  try {
    const reply = await fetch("/readyz");
    const {ok, parts} = await reply.json();
    const bad = Object.entries(parts).filter(([, part]) => !part.ok);
    const words = bad.map(([name, part]) => `${name}: ${part.detail || part.state}`).join("; ");
    replace(place, h("span", {class: `dot ${ok ? "good" : "bad"}`, "aria-hidden": "true"}), words === "" ? "ready" : words);
  } catch {
    replace(place, h("span", {class: "dot bad", "aria-hidden": "true"}), "siltd does not answer");
  }
  setTimeout(showHealth, kHealthMs);
}

addEventListener("hashchange", show);
addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (location.hash !== "#ask") location.hash = "#ask";
  document.getElementById("question")?.focus();
});
show();
showHealth();
