// The grid, quicker: filters apply at once, a threshold counts while it moves, pictures are dropped and pasted,
// several images are chosen with one click. Without this file everything works with buttons.
const ask = document.getElementById("ask");
const byPicture = document.getElementById("by-picture");

// Filters: what is empty or usual stays out of the address.
function send() {
  const data = new FormData(ask);
  const kept = new URLSearchParams();
  for (const [name, value] of data) {
    const isChoice = ask.querySelector(`input[type=checkbox][name="${name}"]`) || facetNames().has(name);
    if (value !== "" || isChoice) {
      if (!(name === "sort" && value === "best") && !(name === "min_score" && isLowest())) kept.append(name, value);
    }
  }
  location.assign(`/${kept.size ? `?${kept}` : ""}`);
}
function facetNames() {
  return new Set([...document.querySelectorAll("#facets input")].map((each) => each.name));
}
const slider = document.getElementById("min_score");
function isLowest() {
  return !slider || slider.disabled || Number(slider.value) <= Number(slider.min);
}
ask.addEventListener("submit", (event) => {
  event.preventDefault();
  // A threshold belongs to a question: another one begins without.
  if (slider && ask.elements.text.value !== ask.elements.text.defaultValue) slider.disabled = true;
  send();
});
document.addEventListener("change", (event) => {
  if (event.target.form === ask && event.target.type !== "search") ask.requestSubmit();
});

// The threshold: how many are left, from the scores that the page brought along.
if (slider) {
  const steps = slider.dataset.steps.trim().split(" ").map((each) => each.split(":").map(Number));
  const told = slider.parentElement.querySelector("output");
  slider.addEventListener("input", () => {
    const least = Math.round(Number(slider.value) * 100);
    const left = steps.reduce((sum, [step, images]) => sum + (step >= least ? images : 0), 0);
    told.value = `${left.toLocaleString("en")} of ${Number(slider.dataset.met).toLocaleString("en")} above ${Number(slider.value).toFixed(2)}`;
  });
}

// Counts that took too long come later; the list beside them does not move.
const facets = document.getElementById("facets");
async function count() {
  const answer = await fetch(facets.dataset.load, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  facets.replaceChildren(...page.getElementById("facets").childNodes);
}
if (facets?.dataset.load) count();

// A picture to search with: dropped, pasted or chosen.
function search(files) {
  const picture = [...files].find((each) => each.type.startsWith("image/"));
  if (!picture) return;
  const held = new DataTransfer();
  held.items.add(picture);
  byPicture.elements.file.files = held.files;
  byPicture.requestSubmit();
}
byPicture.elements.file.addEventListener("change", () => byPicture.requestSubmit());
document.addEventListener("dragover", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
for (const end of ["dragleave", "drop"]) {
  document.addEventListener(end, (event) => {
    if (end === "drop" || !event.relatedTarget) document.body.classList.remove("dropping");
  });
}
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  search(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => search(event.clipboardData?.files ?? []));

// Tiles: the list goes along where the page was too full for it; a picture that is gone says so.
const grid = document.getElementById("grid");
if (grid?.dataset.tail === "add") {
  const tail = new URLSearchParams(location.search);
  tail.delete("page_token");
  for (const tile of grid.querySelectorAll("a.tile")) tile.search = tail;
}
function tellGone(picture) {
  const gone = document.createElement("span");
  gone.className = "gone";
  gone.textContent = "no picture";
  picture.replaceWith(gone);
}
for (const picture of grid?.querySelectorAll("img") ?? []) {
  if (picture.complete && !picture.naturalWidth) tellGone(picture);
  else picture.addEventListener("error", () => tellGone(picture));
}

// Several at once: with shift all up to the one that was chosen last.
const picks = [...document.querySelectorAll(".pick")];
const bar = document.getElementById("bar");
let last = null;
function tellPicked() {
  const picked = picks.filter((each) => each.checked).length;
  document.getElementById("picked").textContent = picked ? ` ${picked}` : "";
  bar.classList.toggle("on", picked > 0);
  bar.querySelector(".primary").disabled = picked === 0;
}
for (const pick of picks) {
  pick.addEventListener("click", (event) => {
    if (event.shiftKey && last) {
      const [from, to] = [picks.indexOf(last), picks.indexOf(pick)].sort((one, other) => one - other);
      for (const each of picks.slice(from, to + 1)) each.checked = pick.checked;
    }
    last = pick;
    tellPicked();
  });
}
if (bar) tellPicked();
window.addEventListener("pageshow", () => bar && tellPicked());

// Back comes to the image that was looked at, also where the browser has made the page anew.
grid?.addEventListener("click", (event) => {
  const tile = event.target.closest("a.tile");
  if (tile) history.replaceState({ tile: tile.getAttribute("href") }, "");
});
if (history.state?.tile && performance.getEntriesByType("navigation")[0]?.type === "back_forward") {
  grid?.querySelector(`a.tile[href="${CSS.escape(history.state.tile)}"]`)?.focus({ preventScroll: true });
}
