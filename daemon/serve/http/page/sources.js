// What is read, how far each part of siltd has come with it, and how surprising it still is.
import {call} from "./api.js";
import {ago, bytes, cells, counted, h, hourOfGroup, number, replace, sparkline, table, time} from "./dom.js";
import {failure} from "./failure.js";

const kColumns = [
  {name: "Source", class: "name"}, {name: "Records", class: "number"}, {name: "Size", class: "number"}, {name: "Last record"},
  {name: "Not folded", class: "number"}, {name: "Not learned", class: "number"}, {name: "Bits per byte", class: "number"}, {name: "Records per hour"}, {name: "Lost", class: "number"},
];
const kRefreshMs = 5000;

function rowOf(source, histogram) {
  const unfolded = Number(source.journalSeq) - Number(source.foldedSeq);
  const surprise = Number(source.steps) === 0 ? "–" : `${source.bitsPerByteWindow.toFixed(3)} now, ${source.bitsPerByte.toFixed(3)} in all`;
  const lost = Number(source.gaps) === 0 ? "nothing" : `${bytes(source.bytesLost)} in ${counted(source.gaps, "gap")}`;
  return h("tr", {}, cells(kColumns, [
    source.source, number(source.lines), bytes(source.bytes), h("time", {datetime: source.lastArrival ?? "", title: time(source.lastArrival)}, ago(source.lastArrival)),
    number(unfolded), number(source.backlog), surprise, histogram, lost,
  ]));
}

function inputRow(input) {
  const good = input.state === "reading" || input.state === "waiting";
  return h("li", {}, h("span", {class: `badge ${good ? "stated" : "nothing"}`}, input.state), ` ${input.name} (${input.kind}), ${counted(input.filesKnown, "file")}, ${bytes(input.bytesRead)} read, ${bytes(input.backlogBytes)} waiting`,
    input.lastError ? h("span", {class: "failure"}, ` ${input.lastError} ${input.remedy}`) : null);
}

export async function showSources(main, signal) {
  const place = h("div", {});
  const inputs = h("ul", {class: "inputs", "aria-label": "Inputs"});
  const histograms = new Map();  // by source; drawn once
  replace(main, h("h1", {}, "Sources"), inputs, place);

  async function histogramOf(source) {
    const reply = await call("QueryService/Query", {text: "histogram by:hour", sources: [source], evidenceMax: 1, zoneS: -60 * new Date().getTimezoneOffset()}, signal);
    return sparkline(reply.groups, Math.max(0, ...reply.groups.map(hourOfGroup)));
  }

  async function refresh() {
    try {
      const [{sources}, status] = await Promise.all([call("SourceService/ListSources", {tenant: "*"}, signal), call("DaemonService/GetStatus", {}, signal)]);
      const rows = sources.map((source) => rowOf(source, (histograms.get(source.source) ?? h("span", {})).cloneNode(true)));
      replace(place, table(counted(sources.length, "source"), kColumns, rows));
      replace(inputs, status.connectors.map(inputRow));
      for (const source of sources.slice(0, 100)) {
        if (!histograms.has(source.source)) histograms.set(source.source, await histogramOf(source.source).catch(() => h("span", {}, "–")));
      }
      sources.forEach((source, i) => replace(rows[i].cells[7], (histograms.get(source.source) ?? h("span", {})).cloneNode(true)));
    } catch (error) {
      if (error.name === "AbortError") return;
      replace(place, failure(error));
      if (error.code === "unauthenticated") return;  // until there is a token
    }
    if (!signal.aborted) setTimeout(() => signal.aborted || refresh(), kRefreshMs);
  }
  await refresh();
}
