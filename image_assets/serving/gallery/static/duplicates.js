// Groups one after the other: a key says what is decided of the group that is marked, and marks the next one.

import { bind, mark } from "./keys.js";
import { Outbox, newId, showState } from "./outbox.js";
import { linkZoom } from "./zoom.js";

const root = document.querySelector("#groups"), groups = [...root.children], say = document.querySelector("#say");
const undoing = document.querySelector("#undo"), decided = [];
let current = null;

const outbox = new Outbox(`duplicates/${root.dataset.person}`, { sent, changed: (trouble) => showState(outbox, trouble) });

function show(group, isMoved = true) {
  current = group ?? current;
  for (const each of groups) each.classList.toggle("current", each === current);
  if (!isMoved || !current) return;
  current.focus({ preventScroll: true });
  current.scrollIntoView({ block: "start" });
}

function decide(effect) {
  if (!current) return;
  const group = current, fields = group.querySelector("form").elements, first = fields.first.value;
  const chosen = fields.chosen.value, others = [...group.querySelectorAll("[name=others]")].map(({ value }) => value);
  const apart = effect === "part" && others.includes(chosen) ? [chosen] : others;
  const verdict = effect === "part" ? "different" : "same", id = newId();
  const body = { id, pairs: apart.map((other) => ({ one: first, other, verdict })), keeper_id: effect === "keep" ? chosen : null };
  const what = { keep: "kept one of them", merge: "one photo", part: "not a duplicate" }[effect];
  outbox.put({ id, path: "/v1/duplicates", body, about: first, what });
  tell(group, what);
  decided.push(group);
  count();
  const next = [...groups.slice(groups.indexOf(group) + 1), ...groups].find((each) => !decided.includes(each));
  show(next);
  say.textContent = next ? what : `${what}. That was the last group of this page.`;
}

function count() {
  const waiting = document.querySelector("#waiting");
  if (waiting) waiting.textContent = (waiting.dataset.total - new Set(decided).size).toLocaleString("en");
}

// What was said on a page before may have let a group wait again, or not: the service knows.
async function recount() {
  const waiting = document.querySelector("#waiting");
  const answer = waiting && (await fetch("/v1/duplicates?page_size=1"));
  if (!answer?.ok) return;
  const { total } = await answer.json(), unsent = new Set(outbox.unsent.map(({ about }) => about));
  waiting.dataset.total = total + [...new Set(decided)].filter(({ dataset }) => !unsent.has(dataset.first)).length;
  count();
}

function tell(group, what) {
  group.querySelector(".word").textContent = what ? `You: ${what}` : "";
  group.classList.toggle("decided", what !== "");
}

function undo() {
  const group = decided.pop(), id = newId();
  count();
  outbox.put({ id, path: "/v1/duplicates/undo", body: { id }, about: group?.dataset.first ?? "", what: "undo" });
  if (group) {
    tell(group, "");
    show(group);
  }
  say.textContent = group ? "Taken back" : "Taking back what you said last";
}

function sent(entry, answer) {
  const group = groups.find(({ dataset }) => dataset.first === entry.about);
  if (!answer && group) {
    tell(group, "");
    decided.splice(0, decided.length, ...decided.filter((each) => each !== group));
    count();
  }
  if (answer && entry.what === "undo" && !group) {
    say.textContent = "Taken back: load the page again to see that group";
    recount();
  }
}

root.addEventListener("submit", (event) => {
  event.preventDefault();
  show(event.target.closest(".group"), false);
  decide(event.submitter.value);
});
root.addEventListener("focusin", ({ target }) => show(target.closest(".group"), false));
undoing.addEventListener("submit", (event) => {
  event.preventDefault();
  undo();
});

const zoom = linkZoom(() => current?.querySelectorAll("img") ?? []);
const move = (step) => show(groups[groups.indexOf(current) + step]);
const choose = (place) => current?.querySelectorAll("[name=chosen]")[place]?.click();
const EFFECTS = [["K Enter", "Keep the chosen one: the others are the same photo", "keep"], ["M", "Merge: they are one photo", "merge"], ["N", "Not a duplicate: the chosen one is another photo", "part"]];
bind([
  { key: "1 2 3 4 5 6 7 8 9", shown: "1 to 9", name: "Choose an image", act: (key) => choose(key - 1) },
  ...EFFECTS.map(([key, name, effect]) => ({ key, name, act: () => decide(effect) })),
  { key: "S", name: "Leave it for later", act: () => move(1) },
  { key: "U Ctrl+Z", name: "Undo", button: undoing.querySelector("button"), act: undo },
  { key: "←", name: "The group before", act: () => move(-1) },
  { key: "→", name: "The next group", act: () => move(1) },
  { key: "Z", name: "Zoom all images of the group", button: document.querySelector("#zoom"), act: zoom.toggle },
]);
for (const group of groups) for (const [key, , effect] of EFFECTS) mark(group.querySelector(`[value=${effect}]`), key);
show(groups[0], false);
outbox.begin();
