// Sends files, four at a time: each has a line that says how it is doing, and one that is refused stops no other.
const IN_FLIGHT = 4, TRIES = 7, LONGEST_WAIT_S = 30, MOST_DIGESTED = 64 * 2 ** 20;
const FINAL = new Set(["done", "error", "blocked", "erased"]);
// Too large, of no known kind, no image: the same file is refused again.
const FOR_GOOD = new Set([413, 415, 422]);
const mark = document.querySelector("meta[name=change-mark]").content;
const find = (id) => document.getElementById(id);
const sleep = (seconds) => new Promise((then) => setTimeout(then, 1000 * seconds));
const lines = [], queue = [], pending = [];
let inFlight = 0, pausedUntil = 0, isWatching = false, isSummed = true;

function add(file, name) {
  const item = find("line").content.firstElementChild.cloneNode(true);
  const part = (name) => item.querySelector(name);
  const line = { file, name, label: find("label").value.trim(), key: newKey(), is: "waits", item,
    state: part(".said"), bar: part("progress"), button: part("button"), picture: part(".picture") };
  part(".name").textContent = name;
  part(".weight").textContent = file.size >= 1e6 ? `${(file.size / 1e6).toFixed(1)} MB` : file.size >= 1e3 ? `${Math.ceil(file.size / 1e3)} kB` : `${file.size} bytes`;
  line.bar.setAttribute("aria-label", `Sent of ${name}`);
  line.button.setAttribute("aria-label", `Retry ${name}`);
  line.button.onclick = () => again(line);
  lines.push(line);
  queue.push(line);
  return item;
}

function addAll(files) {
  if (!files.length) return;
  const items = document.createDocumentFragment();
  for (const [file, name] of files) items.append(add(file, name));
  find("lines").append(items);
  find("sending").hidden = false;
  pump();
}

function pump() {
  while (inFlight < IN_FLIGHT && queue.length) {
    inFlight += 1;
    send(queue.shift()).finally(() => { inFlight -= 1; pump(); });
  }
  sum();
}

function again(line) {
  // What may have arrived is sent under its former key, so that it is there once.
  tell(line, "waits", "waits");
  queue.push(line);
  pump();
}

async function send(line) {
  let digest;
  try {
    digest = await digestOf(line.file);
  } catch {
    return tell(line, "failed", "this file cannot be read any more: choose it again");
  }
  for (let tried = 1; ; ) {
    await sleep(Math.max(0, pausedUntil - Date.now()) / 1000);
    const answer = await post(line, digest);
    if (answer.status === 202) return accept(line, answer.body[0]);
    const said = answer.body?.detail ?? "the service does not answer";
    const mayWork = answer.status === 0 || answer.status === 409 || answer.status === 429 || answer.status >= 500;
    if (!mayWork) return tell(line, FOR_GOOD.has(answer.status) ? "refused" : "failed", `refused: ${said}`);
    if (tried === TRIES) return tell(line, "failed", `not sent: ${said}`);
    const wait = answer.after || Math.min(LONGEST_WAIT_S, 2 ** (tried - 1));
    // To be asked to wait is no failure; whoever is asked to waits with all that he sends.
    if (answer.after) pausedUntil = Date.now() + 1000 * wait;
    else tried += 1;
    tell(line, "waits", `waits ${wait} s: ${said}`);
    await sleep(wait);
  }
}

function post(line, digest) {
  return new Promise((then) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ name: line.name.slice(-255), ...(line.label && { label: line.label }) });
    request.open("POST", `/v1/images?${query}`);
    request.responseType = "json";
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-Change-Mark", mark);
    request.setRequestHeader("Idempotency-Key", line.key);
    if (digest) request.setRequestHeader("Content-Digest", digest);
    request.upload.onprogress = (event) => {
      line.bar.value = event.loaded / event.total;
      tell(line, "sends", event.loaded < event.total ? `${Math.floor((100 * event.loaded) / event.total)} % sent` : "sent");
    };
    request.onloadend = () => then({ status: request.status, body: request.response, after: Number(request.getResponseHeader("Retry-After")) });
    tell(line, "sends", "0 % sent");
    request.send(line.file);
  });
}

async function digestOf(file) {
  // Where the page did not come over a connection that can be trusted, browsers compute none.
  if (!crypto.subtle || file.size > MOST_DIGESTED) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function accept(line, told) {
  line.file = null;
  line.id = told.image_id;
  tell(line, "accepted", "accepted, waits for the next run");
  pending.push(line);
  if (!isWatching) watch();
}

function tell(line, is, text) {
  line.is = is;
  line.item.className = is;
  line.state.replaceChildren(line.id ? link(line.id, text) : text);
  line.button.hidden = is !== "failed";
  sum();
}

function link(id, text) {
  const made = document.createElement("a");
  made.href = `/images/${id}`;
  made.textContent = text;
  return made;
}

function sum() {
  // Said once for all that changed, so that whoever listens is not talked to without end.
  if (!isSummed) return;
  isSummed = false;
  setTimeout(() => {
    isSummed = true;
    const count = (is) => lines.filter((line) => line.is === is).length;
    const [accepted, refused, failed] = ["accepted", "refused", "failed"].map(count);
    const told = [`${accepted} of ${lines.length} accepted`, refused && `${refused} refused`, failed && `${failed} not sent`];
    find("sum").textContent = told.filter(Boolean).join(", ");
    find("total").value = (accepted + refused + failed) / lines.length;
    find("retry-all").hidden = failed === 0;
    window.onbeforeunload = accepted + refused + failed < lines.length ? (event) => event.preventDefault() : null;
  }, 250);
}

// Runs take images in by the day: the first in line is asked after, and the others once it has come on.
async function watch() {
  isWatching = true;
  for (let wait = 3; pending.length; wait = Math.min(LONGEST_WAIT_S, 1.5 * wait)) {
    await sleep(wait);
    while (pending.length && !document.hidden && (await hasEnded(pending[0]))) {
      pending.shift();
      wait = 2;
    }
    if (pending.length) pending.push(pending.shift());
  }
  isWatching = false;
}

async function hasEnded(line) {
  const answer = await fetch(`/v1/images/${line.id}`).catch(() => null);
  if (!answer?.ok) return false;
  const image = await answer.json();
  const why = image.state === "error" ? `: ${image.detail ?? image.reason}` : "";
  tell(line, "accepted", image.state === "pending" ? "accepted, waits for the next run" : `${image.state}${why}`);
  if (image.links.thumbnail) {
    const picture = document.createElement("img");
    Object.assign(picture, { src: image.links.thumbnail, alt: "", width: 40, height: 40, loading: "lazy" });
    line.picture.replaceChildren(picture);
  }
  return FINAL.has(image.state);
}

async function filesIn(entry) {
  if (entry.isFile) {
    const file = await new Promise((then, fail) => entry.file(then, fail));
    return [[file, entry.fullPath.replace(/^\//, "")]];
  }
  const found = [], reader = entry.createReader();
  for (;;) {
    const some = await new Promise((then, fail) => reader.readEntries(then, fail));
    if (!some.length) return found;
    for (const each of some) found.push(...(await filesIn(each)));
  }
}

const form = find("upload");
const chosen = (input) => {
  addAll(Array.from(input.files, (file) => [file, file.webkitRelativePath || file.name]));
  input.value = "";
};
for (const input of [find("files"), find("folder")]) input.onchange = () => chosen(input);
form.onsubmit = (event) => { event.preventDefault(); chosen(find("files")); };
find("retry-all").onclick = () => lines.filter((line) => line.is === "failed").forEach(again);
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    form.classList.toggle("over", kind === "dragover");
  });
}
document.addEventListener("drop", async (event) => {
  // Entries are gone after the first wait: all are taken before.
  const entries = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry()).filter(Boolean);
  for (const entry of entries) addAll(await filesIn(entry));
});
