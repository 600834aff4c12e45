// The ask box: how the question was read, then the answer, then the records that it rests on, as they come.
import {ApiError, call, shown, stream, textOf} from "./api.js";
import {h, number, replace, time} from "./dom.js";
import {failure} from "./failure.js";

const kContext = 5;
let conversation = "";

// The record among its neighbours, in the order of the journal.
function contextOf(match) {
  const line = (citation, here) =>
    h("span", {class: here ? "here" : null, "aria-current": here ? "true" : null}, `${String(citation.seq).padStart(8)}  ${textOf(citation.text)}\n`);
  return h("pre", {class: "context", tabindex: "0", "aria-label": `Records around ${match.record.seq}`},
    (match.before ?? []).map((each) => line(each, false)), line(match.record, true), (match.after ?? []).map((each) => line(each, false)));
}

async function toggle(button, place, citation) {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  replace(place);
  if (!open) return;
  try {
    const found = await call("QueryService/Search", {sources: [citation.source], seq: citation.seq, context: kContext});
    replace(place, found.matches.length > 0 ? contextOf(found.matches[0]) : failure(new ApiError("not_found", "The record is not kept any more.")));
  } catch (error) {
    replace(place, failure(error));
  }
}

// The line, with the part that the answer rests on marked. Spans count bytes.
function markedText(citation) {
  const raw = Uint8Array.from(atob(citation.text ?? ""), (c) => c.charCodeAt(0));
  const part = (from, to) => shown(new TextDecoder().decode(raw.slice(from, to)));
  const {spanBegin: begin = 0, spanEnd: end = 0} = citation;
  if (end <= begin) return [part(0, raw.length)];
  return [part(0, begin), h("mark", {}, part(begin, end)), part(end, raw.length)];
}

export function evidenceItem(citation) {
  const place = h("div", {class: "around"});
  const name = `Record ${citation.seq} of ${citation.source} in its context`;
  const button = h("button", {type: "button", class: "quiet", "aria-expanded": "false", "aria-label": name, onclick: () => toggle(button, place, citation)}, "in context");
  return h("li", {},
    h("p", {class: "origin"}, h("span", {class: "source"}, citation.source), ` #${citation.seq} `, h("time", {datetime: citation.time ?? ""}, time(citation.time)), " ", button),
    h("pre", {class: "line"}, markedText(citation)), place);
}

// What the answer says before its citations, which are shown below it.
const withoutCitations = (text) => text.split(/\n\[\d+\] /u)[0].replace(/\nRead as: .*$/su, "");

class Answer {
  constructor(place, editQuery) {
    this.editQuery = editQuery;
    this.reading = h("p", {class: "reading"});
    this.text = h("p", {class: "value"});
    this.about = h("p", {class: "about"});
    this.evidence = h("ol", {class: "evidence", "aria-label": "Records that the answer rests on"});
    this.words = "";
    replace(place, h("article", {"aria-label": "Answer"}, this.reading, this.text, this.about, this.evidence));
  }

  plan(plan) {
    const edit = h("button", {type: "button", class: "quiet", onclick: () => this.editQuery(plan.text)}, "edit");
    replace(this.reading, "Read as ", h("code", {}, plan.text), " ", edit);
  }

  take(message) {
    if (message.plan) this.plan(message.plan);
    if (message.text) replace(this.text, withoutCitations((this.words += message.text)));
    if (message.evidence) this.evidence.append(evidenceItem(message.evidence));
    if (message.final) this.finish(message.final);
  }

  finish(final) {
    const behind = final.versions.some((version) => Number(version.foldedSeq) < Number(version.journalSeq));
    const total = `${number(final.recordsMatched)} of ${number(final.recordsTotal)} records`;
    const parts = [final.verdict, total, `${Math.round(final.elapsedMs)} ms`];
    if (final.truncated) parts.push("a limit was reached: counts are lower bounds");
    if (behind) parts.push("newer records are not read yet");
    if (final.citationsDropped > 0) parts.push(`${number(final.citationsDropped)} citations could not be verified`);
    replace(this.about, parts.map((part) => h("span", {class: `badge ${final.verdict === part ? part : ""}`}, part)));
    replace(this.text, withoutCitations(final.answer));
  }
}

function zoneSeconds() {
  return -60 * new Date().getTimezoneOffset();
}

async function runQuery(text, place) {
  const answer = new Answer(place, () => {});
  try {
    const reply = await call("QueryService/Query", {text, zoneS: zoneSeconds()});
    answer.plan({text: reply.text});
    replace(answer.reading, "Ran ", h("code", {}, reply.text));
    replace(answer.text, withoutCitations(reply.answer));
    replace(answer.about, h("span", {class: "badge"}, `${number(reply.recordsMatched)} of ${number(reply.recordsTotal)} records`));
    answer.evidence.append(...reply.evidence.map(evidenceItem));
  } catch (error) {
    replace(place, failure(error));
  }
}

export async function showAsk(main) {
  const place = h("div", {id: "answer", "aria-live": "polite"});
  const question = h("input", {id: "question", name: "question", type: "text", autocomplete: "off", spellcheck: "false", maxlength: "4096", placeholder: "how often was a login refused since 9?"});
  const source = h("select", {id: "source", name: "source"}, h("option", {value: ""}, "all sources"));
  const submit = h("button", {type: "submit", id: "submit"}, "Ask");
  const query = h("input", {id: "query", name: "query", type: "text", spellcheck: "false", autocomplete: "off"});
  const queryForm = h("form", {class: "query", hidden: true, onsubmit: (event) => { event.preventDefault(); runQuery(query.value, place); }},
    h("label", {for: "query"}, "Query"), query, h("button", {type: "submit"}, "Run"));
  const editQuery = (text) => { queryForm.hidden = false; query.value = text; query.focus(); };
  let running = null;

  async function ask(event) {
    event.preventDefault();
    if (running) return running.abort();
    const mine = (running = new AbortController());
    replace(submit, "Stop");
    const answer = new Answer(place, editQuery);
    try {
      const request = {question: question.value, zoneS: zoneSeconds(), conversation, sources: source.value ? [source.value] : []};
      for await (const message of stream("AskService/Ask", request, mine.signal)) {
        answer.take(message);
        if (message.final) conversation = message.final.conversation;
      }
    } catch (error) {
      if (error.name !== "AbortError") replace(place, failure(error));
    } finally {
      if (running === mine) running = null;
      replace(submit, "Ask");
    }
  }

  const form = h("form", {class: "ask", role: "search", onsubmit: ask},
    h("label", {for: "question"}, "Question"), question, h("label", {for: "source"}, "Source"), source, submit);
  form.addEventListener("keydown", (event) => { if (event.key === "Escape" && running) running.abort(); });
  replace(main, h("h1", {class: "hidden"}, "Ask"), form, queryForm, place);
  question.focus();
  try {
    const {sources} = await call("SourceService/ListSources", {tenant: "*"});
    source.append(...sources.map((each) => h("option", {value: each.source}, each.source)));
  } catch (error) {
    replace(place, failure(error));
  }
}
