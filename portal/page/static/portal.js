// Everything here is a convenience: copying, the live line, and passkeys. The
// pages work without it, passkeys apart.
"use strict";

const spoken = (text) => {
  const line = document.getElementById("spoken");
  if (!line) return;
  line.textContent = "";
  requestAnimationFrame(() => { line.textContent = text; });
};

// Copy buttons name the element whose text they copy.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const text = source.textContent.replace(/\s+/g, button.dataset.keepSpaces === undefined ? "" : " ").trim();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(source);
      spoken(button.dataset.failed);
      return;
    }
    const label = button.querySelector("span");
    const before = label.textContent;
    label.textContent = button.dataset.done;
    button.classList.add("copied");
    spoken(button.dataset.spoken);
    setTimeout(() => {
      label.textContent = before;
      button.classList.remove("copied");
    }, 4000);
  });
}

// The live line asks every two seconds until the first sign-in, for ten
// minutes at most, and only while somebody looks.
const live = document.querySelector("[data-live]");
if (live) {
  const until = Date.now() + 10 * 60 * 1000;
  const line = live.querySelector("[data-live-text]");
  const ask = async () => {
    if (Date.now() > until) return;
    if (document.visibilityState === "visible") {
      try {
        const answer = await fetch(live.dataset.live, { headers: { Accept: "application/json" } });
        if (!answer.ok) return;
        const state = await answer.json();
        if (line.textContent !== state.text) line.textContent = state.text;
        live.classList.toggle("good", state.used);
        live.classList.toggle("bad", state.refused);
        if (state.used) return;
      } catch { /* the server is restarting: ask again */ }
    }
    setTimeout(ask, 2000);
  };
  setTimeout(ask, 2000);
}

// Passkeys. Binary fields travel as base64url (WebAuthn's JSON form).
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const post = async (url, body) => {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const result = await answer.json().catch(() => ({}));
  if (result.next && !answer.ok) location.assign(result.next);
  if (!answer.ok) throw new Error(result.error || "");
  return result;
};

const listed = (credentials) => (credentials || []).map((c) => ({ ...c, id: bytes(c.id) }));

const register = async (options) => {
  const publicKey = { ...options.publicKey };
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.user = { ...publicKey.user, id: bytes(publicKey.user.id) };
  publicKey.excludeCredentials = listed(publicKey.excludeCredentials);
  const made = await navigator.credentials.create({ publicKey });
  return {
    id: made.id, rawId: text(made.rawId), type: made.type,
    response: {
      attestationObject: text(made.response.attestationObject),
      clientDataJSON: text(made.response.clientDataJSON),
      transports: made.response.getTransports ? made.response.getTransports() : [],
    },
  };
};

const assert = async (options) => {
  const publicKey = { ...options.publicKey };
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.allowCredentials = listed(publicKey.allowCredentials);
  const got = await navigator.credentials.get({ publicKey });
  return {
    id: got.id, rawId: text(got.rawId), type: got.type,
    response: {
      authenticatorData: text(got.response.authenticatorData),
      clientDataJSON: text(got.response.clientDataJSON),
      signature: text(got.response.signature),
      userHandle: got.response.userHandle ? text(got.response.userHandle) : null,
    },
  };
};

for (const block of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  block.hidden = false;
  const button = block.querySelector("button");
  const problem = block.querySelector("[data-problem]");
  button.addEventListener("click", async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      const options = await post(block.dataset.begin, {});
      const credential = await (block.dataset.passkey === "register" ? register(options) : assert(options));
      const label = block.querySelector("input[name=label]");
      const done = await post(block.dataset.finish, { credential, label: label ? label.value : "" });
      location.assign(done.next);
    } catch (error) {
      problem.textContent = error.name && error.name !== "Error" ? block.dataset.cancelled : error.message || block.dataset.cancelled;
      problem.hidden = false;
      button.disabled = false;
    }
  });
}

// A sign-in ends when nobody uses it. Two minutes before that the page says so,
// and one click keeps it (WCAG 2.2.1).
const idle = document.querySelector("[data-idle]");
if (idle) {
  let since = Date.now();
  const part = (name) => idle.querySelector(`[data-${name}]`);
  const look = () => {
    const left = since + idle.dataset.idle * 1000 - Date.now();
    const words = left > 0 ? idle.dataset.soon : idle.dataset.over;
    part("stay").hidden = left <= 0;
    part("again").hidden = left > 0;
    if (part("idle-text").textContent !== words) part("idle-text").textContent = words;
    idle.hidden = left > 2 * 60 * 1000;
  };
  part("stay").addEventListener("click", async () => {
    const answer = await fetch("/stay", { method: "POST" }).catch(() => null);
    if (answer) since = answer.status === 204 ? Date.now() : 0;
    look();
  });
  document.addEventListener("visibilitychange", look);
  setInterval(look, 10000);
}

// Times stand in the page in UTC; here they become those of the reader's zone,
// written as the dates beside them are: the day first, and 24 hours.
const lang = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { dateStyle: "long", timeStyle: "short" });
for (const time of document.querySelectorAll("time[data-time]")) time.textContent = clock.format(new Date(time.dateTime));

// A second click sends nothing twice. A page that is come back to starts anew.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// What an app password is for: choosing a service chooses "only these".
for (const box of document.querySelectorAll("input[name=service]")) {
  box.addEventListener("change", () => { if (box.checked) document.getElementById("scope-only").checked = true; });
}
const any = document.getElementById("scope-any");
if (any) any.addEventListener("change", () => {
  for (const box of document.querySelectorAll("input[name=service]")) box.checked = false;
});

// A box that ticks all others.
for (const box of document.querySelectorAll("input[data-all]")) {
  box.closest("label").hidden = false;
  box.addEventListener("change", () => {
    for (const other of document.querySelectorAll(`input[name="${box.dataset.all}"]`)) other.checked = box.checked;
  });
}
