// The calls of the API, as this page makes them.

export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

let token = "";

// Calls bring it from here on; empty: none.
export function useToken(text) {
  token = text.trim();
}

async function post(method, request, signal) {
  const headers = {"Content-Type": "application/json"};
  if (token !== "") headers.Authorization = `Bearer ${token}`;
  let reply;
  try {
    reply = await fetch(`/silt.v1.${method}`, {
      method: "POST",
      headers,
      body: JSON.stringify(request),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("unavailable", "siltd does not answer: is it running, and is the way to it open?");
  }
  if (reply.ok) return reply;
  const failure = await reply.json().catch(() => ({}));
  throw new ApiError(failure.code ?? "unknown", failure.message ?? `siltd answered with status ${reply.status}`);
}

// A method with one reply: call("QueryService/Patterns", {limit: 10}).
export async function call(method, request = {}, signal = undefined) {
  return (await post(method, request, signal)).json();
}

// A method that streams: each message, as it comes.
export async function* stream(method, request, signal) {
  const reader = (await post(method, request, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.error) throw new ApiError(message.error.code, message.error.message);
      yield message;
    }
  }
}

// The bytes of a record as text that shows all it holds: what would hide, reorder or control anything is spelt out.
export function textOf(base64) {
  const bytes = Uint8Array.from(atob(base64 ?? ""), (c) => c.charCodeAt(0));
  return shown(new TextDecoder().decode(bytes));
}

export function shown(text) {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}
