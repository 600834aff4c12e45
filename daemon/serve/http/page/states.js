// The states that are kept, and what may be done with them by those who may.
import {call} from "./api.js";
import {bytes, cells, h, number, replace, table, time} from "./dom.js";
import {failure} from "./failure.js";

const kColumns = [{name: "Version", class: "number"}, {name: "Written"}, {name: "Has read up to", class: "number"}, {name: "Bits per byte", class: "number"}, {name: "Stored", class: "number"}, {name: "Why"}, {name: "Actions"}];

const requestId = () => crypto.randomUUID();

// Says first what would be done; a second press does it.
function destructive(label, describe, method, request, refresh) {
  const said = h("span", {role: "status"});
  const button = h("button", {type: "button", class: "quiet", "aria-label": describe}, label);
  let sure = false;
  button.addEventListener("click", async () => {
    try {
      const reply = await call(method, {...request, requestId: requestId(), dryRun: !sure});
      if (sure) return refresh();
      sure = true;
      const reread = reply.rereadRecords !== undefined ? `${number(reply.leftOutRecords)} records are left out for good, ${number(reply.rereadRecords)} read again.` : `${number(reply.resets.reduce((sum, each) => sum + Number(each.forgottenSteps), 0))} learning steps are forgotten.`;
      replace(said, ` ${reread} `);
      replace(button, `${label}: yes`);
      button.classList.add("danger");
    } catch (error) {
      replace(said, failure(error));
    }
  });
  return h("span", {class: "action"}, button, said);
}

function pinButton(source, version, refresh) {
  const said = h("span", {role: "status"});
  const label = version.pinned ? "unpin" : "pin";
  return h("span", {class: "action"}, h("button", {type: "button", class: "quiet", "aria-label": `${label} version ${version.version} of ${source.source}`, onclick: async () => {
    try {
      await call("StateAdmin/PinVersion", {tenant: source.tenant, source: source.source, version: version.version, off: version.pinned, requestId: requestId()});
      await refresh();
    } catch (error) {
      replace(said, failure(error));
    }
  }}, label), said);
}

function rowOf(source, version, isNow, refresh) {
  const target = {tenant: source.tenant, source: source.source};
  const actions = isNow
    ? destructive("reset", `reset what ${source.source} taught its net`, "StateAdmin/ResetState", {tenant: source.tenant, sources: [source.source]}, refresh)
    : [pinButton(source, version, refresh), destructive("roll back to", `roll ${source.source} back to version ${version.version}`, "StateAdmin/RollbackState", {...target, version: version.version}, refresh)];
  return h("tr", {}, cells(kColumns, [
    version.version, version.written ? time(version.written) : "now", number(version.learnedSeq), version.bitsPerByte.toFixed(3),
    version.storedBytes === "0" ? "–" : bytes(version.storedBytes), [version.reason, version.pinned ? " (pinned)" : ""], h("div", {}, actions),
  ]));
}

export async function showStates(main) {
  const place = h("div", {"aria-live": "polite"});
  replace(main, h("h1", {}, "States"), h("p", {class: "note"}, "What sources have taught their nets. Whoever may change things can pin a version, go back to one, or forget; the records stay."), place);
  async function refresh() {
    try {
      const {sources} = await call("StateAdmin/ListVersions", {tenant: "*"});
      replace(place, sources.map((source) => table(source.source, kColumns, source.versions.map((version, i) => rowOf(source, version, i === 0, refresh)))));
    } catch (error) {
      replace(place, failure(error));
    }
  }
  await refresh();
}
