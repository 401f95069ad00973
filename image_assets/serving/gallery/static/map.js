// The map on a canvas: it is moved, zoomed and drawn around; the list beside it says the same to those who do not see it.
const MARGIN = 0.05;
const sheet = document.getElementById("sheet");
if (sheet) begin(await (await fetch(sheet.dataset.points)).json());

function begin(data) {
  const find = (id) => document.getElementById(id);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const ids = bytes(data.ids), codes = bytes(data.code);
  const [xs, ys] = [data.x, data.y].map((text) => new Uint16Array(bytes(text).buffer));
  const canvas = find("map"), shown = find("shown"), pen = canvas.getContext("2d");
  const colours = new Map(Array.from(document.querySelectorAll("[data-code]"), (key) => [Number(key.dataset.code), key]));
  const view = { x: 0, y: 0, scale: 1 };
  let side = 1, wide = 1, high = 1, outline = null, isLasso = false, held = null, drawing = 0;
  const order = Array.from(xs.keys()).sort((one, other) => codes[other] - codes[one]);

  const place = (x, y) => [(x / 65535 - view.x) * view.scale * side + (wide - side) / 2, (y / 65535 - view.y) * view.scale * side + (high - side) / 2];
  const back = (px, py) => [(px - (wide - side) / 2) / side / view.scale + view.x, (py - (high - side) / 2) / side / view.scale + view.y];
  const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };

  function draw() {
    drawing ||= requestAnimationFrame(() => {
      drawing = 0;
      const dots = window.devicePixelRatio || 1, size = Math.min(7, 2.5 + view.scale / 2);
      canvas.width = wide * dots;
      canvas.height = high * dots;
      pen.scale(dots, dots);
      let code = -1;
      for (const each of order) {
        const [px, py] = place(xs[each], ys[each]);
        if (px < -9 || py < -9 || px > wide + 9 || py > high + 9) continue;
        if (codes[each] !== code) { code = codes[each]; pen.fillStyle = getComputedStyle(colours.get(code)).stroke; }
        pen.fillRect(px - size / 2, py - size / 2, size, size);
      }
      if (!outline) return;
      pen.beginPath();
      for (const [x, y] of outline) pen.lineTo(...place(x * 65535, y * 65535));
      pen.closePath();
      pen.lineWidth = 2;
      pen.strokeStyle = getComputedStyle(canvas).color;
      pen.stroke();
    });
  }

  function zoom(factor, px = wide / 2, py = high / 2) {
    const [x, y] = back(px, py);
    view.scale = Math.min(60, Math.max(1, view.scale * factor));
    const [nx, ny] = back(px, py);
    view.x += x - nx;
    view.y += y - ny;
    draw();
  }

  function nearest(px, py) {
    let found = -1, least = 15 ** 2;
    for (let each = 0; each < xs.length; each += 1) {
      const [ex, ey] = place(xs[each], ys[each]), far = (ex - px) ** 2 + (ey - py) ** 2;
      if (far < least) [found, least] = [each, far];
    }
    return found;
  }

  function idOf(each) {
    const text = Array.from(ids.subarray(16 * each, 16 * each + 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return text.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  function show(each) {
    shown.hidden = each < 0;
    if (each < 0) return;
    const id = idOf(each), [px, py] = place(xs[each], ys[each]);
    if (shown.dataset.id !== id) {
      shown.dataset.id = id;
      shown.href = `/images/${id}`;
      shown.firstElementChild.src = `/v1/images/${id}/thumbnail`;
      shown.lastElementChild.textContent = colours.get(codes[each]).closest("li").children[1].textContent;
    }
    shown.style.left = `${Math.max(0, Math.min(wide - 176, px + 12))}px`;
    shown.style.top = `${Math.max(0, Math.min(high - 212, py + 12))}px`;
  }

  function select() {
    const inside = (x, y) => outline.reduce((is, [x1, y1], number) => {
      const [x0, y0] = outline.at(number - 1);
      return (y0 > y) !== (y1 > y) && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0 ? !is : is;
    }, false);
    const count = Array.from(xs, (x, each) => inside(x / 65535, ys[each] / 65535)).filter(Boolean).length;
    const link = document.createElement("a"), address = new URL(location.href);
    const around = outline.flat().map((each) => Math.round(1000 * (each + MARGIN))).join(",");
    address.searchParams.set("around", around);
    // Whoever comes back from the images finds the line again.
    history.replaceState(null, "", address);
    link.href = `/?all_duplicates=true&around=${around}`;
    link.className = "button primary";
    link.textContent = `Show the ${count.toLocaleString("en")} images`;
    find("selected").replaceChildren(count ? link : "No image is in there.");
    draw();
  }

  function finish() {
    const step = Math.ceil(outline.length / 100);
    outline = outline.filter((_, number) => number % step === 0).map((pair) => pair.map((each) => Math.round(1000 * Math.min(1 + MARGIN, Math.max(-MARGIN, each))) / 1000));
    select();
  }

  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    held = at(event);
    show(-1);
    if (isLasso || event.shiftKey) outline = [back(...held)];
    else held.push(view.x, view.y);
  };
  canvas.onpointermove = (event) => {
    const [px, py] = at(event);
    if (!held) return show(nearest(px, py));
    if (held.length === 2) outline.push(back(px, py));
    else [view.x, view.y] = [held[2] - (px - held[0]) / side / view.scale, held[3] - (py - held[1]) / side / view.scale];
    draw();
  };
  canvas.onpointerup = (event) => {
    const [px, py] = at(event), wasLasso = held?.length === 2;
    const isClick = held && !wasLasso && Math.hypot(px - held[0], py - held[1]) < 4;
    held = null;
    if (isClick && nearest(px, py) >= 0) location.href = `/images/${idOf(nearest(px, py))}`;
    else if (wasLasso && outline.length > 2) finish();
  };
  canvas.onwheel = (event) => { event.preventDefault(); zoom(2 ** (-event.deltaY / 300), ...at(event)); };
  canvas.onkeydown = (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }, move = moves[event.key];
    if (move) { view.x += move[0] / 10 / view.scale; view.y += move[1] / 10 / view.scale; draw(); }
    else if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 1.5 : 1 / 1.5);
    else return;
    event.preventDefault();
  };
  find("lasso").onclick = (event) => { isLasso = !isLasso; event.currentTarget.setAttribute("aria-pressed", isLasso); };
  find("nearer").onclick = () => zoom(1.5);
  find("farther").onclick = () => zoom(1 / 1.5);
  find("whole").onclick = () => { Object.assign(view, { x: 0, y: 0, scale: 1 }); draw(); };
  if (sheet.dataset.around) {
    const numbers = sheet.dataset.around.split(",").map((each) => each / 1000 - MARGIN);
    outline = Array.from({ length: numbers.length >> 1 }, (_, place) => numbers.slice(2 * place, 2 * place + 2));
    select();
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  sheet.onpointerleave = () => show(-1);
  find("plain").remove();
  canvas.hidden = false;
  new ResizeObserver(() => { [wide, high] = [sheet.clientWidth, sheet.clientHeight]; side = Math.min(wide, high) - 24; draw(); }).observe(sheet);
}
