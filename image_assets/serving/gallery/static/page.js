// What every page does: a time says what it is where the reader is, and the room one is in is in sight on a phone.
function tellLocally() {
  for (const time of document.querySelectorAll("time[datetime]:not([data-told])")) {
    const at = new Date(time.dateTime), clock = { hour: "2-digit", minute: "2-digit" };
    time.dataset.told = "";
    if (at.getTimezoneOffset() === 0) continue;
    const isOtherDay = at.getDate() !== at.getUTCDate();
    time.append(`, ${at.toLocaleString("en-GB", isOtherDay ? { ...clock, day: "numeric", month: "short" } : clock)} here`);
  }
}
tellLocally();
// Parts of a page are replaced.
new MutationObserver(tellLocally).observe(document.querySelector("main"), { childList: true, subtree: true });
const rooms = document.querySelector(".top nav"), here = rooms?.querySelector("[aria-current]");
if (here) rooms.scrollLeft = here.offsetLeft - (rooms.clientWidth - here.clientWidth) / 2;
