// One picture after the other: the page holds those that are asked about, and a decision shows the next one at once.

import { bind } from "./keys.js";
import { Outbox, newId, showState } from "./outbox.js";
import { linkZoom } from "./zoom.js";

const AHEAD = 5, LEAST_LOOK_MS = 350, RENEW_S = 120, LEAST_PAUSE_S = 3;
const root = document.querySelector("#review"), list = document.querySelector("#asked"), say = document.querySelector("#say");
const form = document.querySelector("#decide"), naming = document.querySelector("#naming"), accept = document.querySelector("#accept"), keep = document.querySelector("#keep");
const other = document.querySelector("#other"), classes = [...document.querySelectorAll("#classes button")];
const decided = [];
let current = null, awaited = null, fetching = false, fetchedAt = Date.now(), shownAt = 0, telling;

const outbox = new Outbox(`reviews/${root.dataset.person}`, { sent, changed: (trouble) => showState(outbox, trouble) });

const items = () => [...list.children];
const isOpen = (item) => !("decided" in item.dataset);

function show(item) {
  current = item ?? null;
  for (const each of items()) each.hidden = each !== current;
  root.hidden = !current;
  document.querySelector("#nothing").hidden = Boolean(current);
  if (!current) return;
  const { told, said } = current.dataset;
  accept.disabled = !told;
  accept.querySelector("[data-told]").textContent = told ?? "";
  if (keep) keep.querySelector("[data-said]").textContent = said;
  for (const button of classes) button.setAttribute("aria-pressed", `${button.value === current.dataset.decided}`);
}

function ahead() {
  const place = items().indexOf(current);
  return [...items().slice(place + 1), ...items().slice(0, Math.max(0, place))].filter(isOpen);
}

function decide(kind, label) {
  if (!current) return;
  const item = current, { image, told } = item.dataset, what = { accept: told, skip: "skipped" }[kind] ?? label;
  send({ kind, label, image_id: image }, image, what);
  item.dataset.decided = what;
  decided.push(item);
  if (root.contains(document.activeElement)) list.focus({ preventScroll: true });
  other.value = "";
  narrow();
  show(ahead()[0]);
  shownAt = Date.now();
  say.textContent = current ? `${what}. Next: ${current.querySelector(".known").textContent}` : what;
  load();
  refill();
}

function send(body, about, what) {
  const id = newId();
  outbox.put({ id, path: "/v1/reviews", body: { decisions: [{ ...body, id }] }, about, what });
}

function undo() {
  const item = decided.pop();
  if (!item) return undoEarlier();
  send({ kind: "undo", image_id: item.dataset.image }, item.dataset.image, "undo");
  delete item.dataset.decided;
  show(item);
  say.textContent = "Taken back";
}

// What was decided before this page was loaded: the service knows what it was, or it is still on its way.
function undoEarlier() {
  const waiting = outbox.unsent.findLast(({ body }) => body.decisions?.[0].kind !== "undo");
  say.textContent = "Taking back what you decided last";
  send(waiting ? { kind: "undo", image_id: waiting.about } : { kind: "undo" }, waiting?.about ?? "", "undo");
}

function sent(entry, answer) {
  const result = answer?.results[0], item = items().find(({ dataset }) => dataset.image === (result?.image_id ?? entry.about));
  if (!answer && item && item !== current) {
    delete item.dataset.decided;
    decided.splice(0, decided.length, ...decided.filter((each) => each !== item));
    if (current) current.after(item);
    else show(item);
  }
  if (result?.kind === "undo" && (!item || !isOpen(item))) {
    item?.remove();
    refill(result.image_id);
  } else if (!outbox.unsent.length) {
    clearTimeout(telling);
    telling = setTimeout(() => refill(null, true), Math.max(0, fetchedAt + 1000 * LEAST_PAUSE_S - Date.now()));
  }
}

// The page itself says what is asked next and how far it has come: what is new in it is taken over.
async function refill(wanted = null, isDue = false) {
  awaited = wanted ?? awaited;
  if (fetching || !(awaited || isDue || ahead().length <= AHEAD)) return;
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    [wanted, awaited] = [awaited, null];
    take(page, wanted);
  } catch {
    setTimeout(refill, 1000 * LEAST_PAUSE_S);
  } finally {
    fetching = false;
    fetchedAt = Date.now();
  }
}

function take(page, wanted) {
  if (!page.querySelector("#asked")) return showState(outbox, "sign in again, nothing of this is lost");
  const known = new Set([...items().map(({ dataset }) => dataset.image), ...unsentImages()]);
  const fresh = [...page.querySelectorAll("#asked > li")].filter(({ dataset }) => dataset.image === wanted || !known.has(dataset.image));
  for (const item of fresh) {
    item.hidden = true;
    item.classList.remove("later");
  }
  list.append(...fresh.map((item) => document.adoptNode(item)));
  for (const part of ["#how-far", "nav.tabs"]) document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
  const back = wanted && items().find(({ dataset }) => dataset.image === wanted);
  if (wanted) say.textContent = back ? "Taken back" : "Taken back; somebody else looks at that picture now";
  if (back || !current) show(back || items().find(isOpen));
  load();
}

function unsentImages() {
  return outbox.unsent.filter(({ body }) => body.decisions && body.decisions[0].kind !== "undo").map(({ about }) => about);
}

function load() {
  for (const item of [current, ...ahead().slice(0, AHEAD)]) {
    const picture = item?.querySelector("img");
    if (!picture) continue;
    picture.loading = "eager";
    picture.decode().catch(() => {});
  }
}

function move(step) {
  const open = items(), place = open.indexOf(current) + step;
  if (open[place]) show(open[place]);
}

function narrow() {
  const wanted = other.value.trim().toLowerCase(), room = document.querySelector("#classes").style;
  // However few are left, the field stays where it is typed in.
  room.minHeight ||= `${document.querySelector("#classes").offsetHeight}px`;
  if (!wanted) room.minHeight = "";
  for (const button of classes) button.hidden = classes.length > 10 && !button.value.toLowerCase().includes(wanted);
}

for (const each of [form, naming]) each.addEventListener("submit", (event) => {
  event.preventDefault();
  // The second click of a double click means the picture that was there at the first.
  if (Date.now() - shownAt < LEAST_LOOK_MS) return;
  const button = event.submitter;
  if (button?.id === "accept") return takeAnswer();
  if (button?.id === "keep") return decide("label", current.dataset.said);
  if (button?.id === "skip") return decide("skip", "");
  const label = button?.name === "label" ? button.value : other.value.trim();
  if (label) decide("label", label);
});
other.addEventListener("input", narrow);
other.addEventListener("keydown", (event) => {
  if (event.key === "Escape") return other.blur();
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  const wanted = other.value.trim().toLowerCase(), found = classes.filter((button) => !button.hidden);
  const exact = classes.find(({ value }) => value === wanted) ?? (classes.length > 10 && found.length === 1 ? found[0] : null);
  if (exact) decide("label", exact.value);
  else if (wanted && (classes.length <= 10 || !found.length)) decide("label", other.value.trim());
  else say.textContent = `${found.length} classes match: type more, or press “Name it so” for a new one`;
});
document.querySelector("#undo").addEventListener("submit", (event) => {
  event.preventDefault();
  undo();
});

function takeAnswer() {
  if (current?.dataset.told) decide(root.dataset.accept, current.dataset.told);
  else say.textContent = "Say what it shows: there is no answer to accept";
}

const zoom = linkZoom(() => list.querySelectorAll("img"));
const digits = classes.slice(0, 10).map((button, place) => ({
  key: `${(place + 1) % 10}`, name: button.value, button, act: () => decide("label", button.value),
}));
const kept = keep ? [{ key: "K", name: "Keep the label", button: keep, act: () => current && decide("label", current.dataset.said) }] : [];
bind([
  ...digits, ...kept,
  { key: "Enter", name: keep ? "Change to what models say" : "Accept the model's answer", button: accept, act: takeAnswer },
  { key: "S", name: "Skip", button: document.querySelector("#skip"), act: () => decide("skip", "") },
  { key: "U Ctrl+Z", name: "Undo", button: document.querySelector("#undo button"), act: undo },
  { key: "←", name: "Look at the one before", act: () => move(-1) },
  { key: "→", name: "Look at the next one", act: () => move(1) },
  { key: "Z", name: "Zoom", button: document.querySelector("#zoom"), act: zoom.toggle },
  { key: "/", name: "Type a class", act: () => other.focus() },
]);
for (const item of items()) {
  item.classList.remove("later");
  if (unsentImages().includes(item.dataset.image)) item.remove();
}
show(items().find(isOpen));
load();
outbox.begin();
setInterval(() => document.hidden || refill(null, true), 1000 * RENEW_S);
