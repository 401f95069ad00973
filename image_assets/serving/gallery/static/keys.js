// One map says what keys do, draws the legend, and is written on the buttons.

const HELD = /^(Digit|Numpad)(\d)$/;

// entries: {key, name, act, shown?, button?}, the keys in `key` parted by blanks; a button shows its key, and a click on it does the same unless it sends a form.
export function bind(entries) {
  const legend = document.querySelector("#legend");
  const toggle = () => (legend.open ? legend.close() : legend.showModal());
  const all = [...entries, { key: "?", name: "Show these keys", act: toggle, button: document.querySelector("#help") }];
  for (const { key, shown, name, act, button } of all) {
    legend.querySelector("dl").append(described("dt", shown ?? key.replace(" ", " or ")), described("dd", name));
    if (button) mark(button, key);
    if (button?.type === "button") button.addEventListener("click", () => act());
  }
  addEventListener("keydown", (event) => {
    const pressed = keyOf(event), entry = all.find(({ key }) => key.split(" ").includes(pressed));
    if (!entry || event.repeat || event.isComposing || isTaken(event) || (legend.open && entry.key !== "?")) return;
    event.preventDefault();
    entry.act(pressed);
  });
}

export function mark(button, key) {
  const [first] = key.split(" ");
  button.querySelector("kbd").textContent = first;
  button.setAttribute("aria-keyshortcuts", first);
}

function described(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}

function keyOf({ key, code, ctrlKey, metaKey, altKey, shiftKey }) {
  if (altKey) return null;
  if (ctrlKey || metaKey) return key.toLowerCase() === "z" && !shiftKey ? "Ctrl+Z" : null;
  if (key === "?") return key;
  if (shiftKey) return null;
  const digit = HELD.exec(code);
  if (digit) return digit[2];
  return { ArrowLeft: "←", ArrowRight: "→" }[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}

// Whoever types means the letters; Enter presses the button that has the focus, and arrows move between choices.
function isTaken({ target, key }) {
  if (target.closest("textarea, select, [contenteditable], input:not([type=radio])")) return true;
  if (key.startsWith("Arrow") && target.closest("input")) return true;
  return key === "Enter" && target.closest("button, a, summary") !== null;
}
