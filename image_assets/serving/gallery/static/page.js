// What every page does: a time says what it is where the reader is, and the room one is in is in sight on a phone.
// Parts of a page are replaced, so it is looked up when it is wanted.
document.addEventListener("pointerover", ({ target }) => {
  const time = target.closest?.("time[datetime]");
  if (time) time.title = new Date(time.dateTime).toLocaleString();
});
const rooms = document.querySelector(".top nav"), here = rooms?.querySelector("[aria-current]");
if (here) rooms.scrollLeft = here.offsetLeft - (rooms.clientWidth - here.clientWidth) / 2;
