// A failure in words; and where siltd does not know who asks, a place for a token, which this page keeps until it is closed.
import {useToken} from "./api.js";
import {h} from "./dom.js";

function tokenForm() {
  const token = h("input", {id: "token", type: "password", autocomplete: "off", spellcheck: "false"});
  return h("form", {class: "filter", onsubmit: (event) => {
    event.preventDefault();
    useToken(token.value);
    dispatchEvent(new Event("hashchange"));  // the view begins again, as its new reader
  }}, h("label", {for: "token"}, "Token"), token, h("button", {type: "submit"}, "Use it"));
}

export function failure(error) {
  return h("div", {role: "alert"}, h("p", {class: "failure"}, error.message), error.code === "unauthenticated" ? tokenForm() : null);
}
