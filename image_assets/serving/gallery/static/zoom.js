// Pictures that are enlarged together: all show the same part, the one under the pointer or the finger.

export function linkZoom(pictures) {
  let isOn = false;
  const button = document.querySelector("#zoom");
  addEventListener("pointermove", ({ target, clientX, clientY }) => {
    const figure = isOn && target.closest?.("figure");
    if (!figure) return;
    const { left, top, width, height } = figure.getBoundingClientRect();
    const part = `${(100 * (clientX - left)) / width}% ${(100 * (clientY - top)) / height}%`;
    for (const picture of pictures()) picture.style.transformOrigin = part;
  });
  return {
    toggle: () => {
      isOn = !isOn;
      document.body.classList.toggle("zoomed", isOn);
      button.setAttribute("aria-pressed", `${isOn}`);
    },
  };
}
