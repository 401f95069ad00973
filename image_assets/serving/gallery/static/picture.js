// A picture to look at closely: zoom and move it; wipe and blink between two that lie over each other.
const frame = document.querySelector(".zoom");
if (frame) {
  const picture = frame.querySelector("img");
  let scale = 1, x = 0, y = 0, from = null, hasMoved = false;
  frame.classList.add("live");

  function draw() {
    const [width, height] = [frame.clientWidth, frame.clientHeight];
    x = Math.min(0, Math.max(width * (1 - scale), x));
    y = Math.min(0, Math.max(height * (1 - scale), y));
    picture.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  }
  function zoom(factor, atX = frame.clientWidth / 2, atY = frame.clientHeight / 2) {
    const next = Math.min(8, Math.max(1, scale * factor));
    x = atX - ((atX - x) * next) / scale;
    y = atY - ((atY - y) * next) / scale;
    scale = next;
    draw();
  }
  frame.addEventListener("wheel", (event) => {
    // At its own size the page scrolls on.
    if (scale === 1 && event.deltaY > 0) return;
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  frame.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX - x, y: event.clientY - y };
    hasMoved = false;
    if (scale > 1) frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", (event) => {
    if (!from || scale === 1) return;
    hasMoved = true;
    [x, y] = [event.clientX - from.x, event.clientY - from.y];
    draw();
  });
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => { from = null; });
  frame.addEventListener("dragstart", (event) => event.preventDefault());
  frame.addEventListener("click", (event) => { if (hasMoved) event.preventDefault(); });
  const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") zoom(1 / scale);
    else if (event.key in moves && scale > 1) {
      x += moves[event.key][0];
      y += moves[event.key][1];
      draw();
    } else return;
    event.preventDefault();
  });
}

const link = document.getElementById("copy-link");
link?.addEventListener("click", async () => {
  const address = new URL(link.dataset.link, location.href).href;
  let told = "Copied.";
  try {
    await navigator.clipboard.writeText(address);
  } catch {
    told = address;
  }
  document.getElementById("copied").textContent = told;
});

const wipe = document.getElementById("wipe");
if (wipe) {
  const edge = document.getElementById("edge"), seam = document.getElementById("seam"), blink = document.getElementById("blink");
  let timer = null;
  function show(share) {
    edge.setAttribute("width", share);
    for (const end of ["x1", "x2"]) seam.setAttribute(end, share - 0.5);
  }
  function rest() {
    clearInterval(timer);
    timer = null;
    blink.setAttribute("aria-pressed", "false");
    show(wipe.value / 100);
  }
  wipe.addEventListener("input", rest);
  blink.addEventListener("click", () => {
    if (timer) return rest();
    let isAbove = false;
    timer = setInterval(() => { isAbove = !isAbove; show(isAbove ? 1 : 0); }, 600);
    blink.setAttribute("aria-pressed", "true");
  });
}
