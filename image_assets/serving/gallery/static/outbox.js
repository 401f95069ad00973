// Decisions on their way: kept in this browser, under the person's name, until the service has said that it has them.

const LONGEST_PAUSE_S = 15;

export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  #prefix;
  #told;
  #sending = false;
  #pause = 0;
  #timer;
  #count = 0;

  // told: {sent(entry, answer), changed()}
  constructor(name, told) {
    this.#prefix = `image_assets/${name}/`;
    this.#told = told;
  }

  // Show what is left of pages before, and send it.
  begin() {
    addEventListener("online", () => this.flush());
    addEventListener("storage", () => this.#changed());
    this.#changed();
    this.flush();
  }

  get unsent() {
    return this.#all.filter((entry) => !entry.refused);
  }

  get refused() {
    return this.#all.filter((entry) => entry.refused);
  }

  // entry: {id, path, body}, and whatever the page wants to know of it later.
  put(entry) {
    this.#count += 1;
    const place = `${Date.now()}`.padStart(15, "0") + `${this.#count}`.padStart(6, "0");
    this.#keep({ ...entry, name: `${this.#prefix}${place}-${entry.id}` });
    this.flush();
  }

  drop(entry) {
    localStorage.removeItem(entry.name);
    this.#changed();
  }

  async flush() {
    if (this.#sending) return;
    clearTimeout(this.#timer);
    this.#sending = true;
    for (let entry; (entry = this.unsent[0]); ) if (!(await this.#send(entry))) break;
    this.#sending = false;
  }

  get #all() {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(this.#prefix));
    return names.sort().map((name) => JSON.parse(localStorage.getItem(name)));
  }

  #keep(entry) {
    localStorage.setItem(entry.name, JSON.stringify(entry));
    this.#changed();
  }

  async #send(entry) {
    const mark = document.querySelector("meta[name=change-mark]").content;
    const headers = { "Content-Type": "application/json", "X-Change-Mark": mark };
    let answer, told;
    try {
      answer = await fetch(entry.path, { method: "POST", headers, body: JSON.stringify(entry.body), keepalive: true });
      told = await answer.json();
    } catch {
      return this.#later();
    }
    this.#pause = 0;
    if (answer.status === 401 || answer.status === 403) return this.#stop(told.detail);
    if (answer.status === 429 || answer.status >= 500) return this.#later(Number(answer.headers.get("Retry-After")));
    if (answer.ok) this.drop(entry);
    else this.#keep({ ...entry, refused: told.detail });
    this.#told.sent(entry, answer.ok ? told : null);
    return true;
  }

  #later(seconds = 0) {
    this.#pause = Math.min(LONGEST_PAUSE_S, Math.max(1, seconds, 2 * this.#pause));
    this.#timer = setTimeout(() => this.flush(), 1000 * this.#pause);
    this.#told.changed("no connection");
    return false;
  }

  #stop(detail) {
    this.#told.changed(detail);
    return false;
  }

  // A handler that asks before leaving costs the browser its page cache: it is there only while it is needed.
  #changed() {
    const change = this.unsent.length ? addEventListener : removeEventListener;
    change("beforeunload", ask);
    this.#told.changed();
  }
}

function ask(event) {
  event.preventDefault();
}

// What is on its way, and what came back with a reason, as a page shows it.
export function showState(outbox, trouble = "") {
  const unsent = document.querySelector("#unsent"), count = outbox.unsent.length;
  unsent.textContent = count ? `${count} unsent${trouble ? `: ${trouble}` : ""}` : "All sent";
  unsent.classList.toggle("warn", count > 0 && trouble !== "");
  document.querySelector("#refused").replaceChildren(...outbox.refused.map((entry) => refusal(outbox, entry)));
}

function refusal(outbox, entry) {
  const note = document.createElement("div"), link = document.createElement("a"), close = document.createElement("button");
  note.className = "notice bad row apart";
  note.setAttribute("role", "alert");
  link.href = `/images/${entry.about}`;
  link.textContent = `Not kept: ${entry.what}`;
  close.textContent = "Dismiss";
  close.addEventListener("click", () => outbox.drop(entry));
  const text = document.createElement("span");
  text.append(link, `. ${entry.refused}`);
  note.append(text, close);
  return note;
}
