// What every page does: a time says what it is where the reader is, and the room one is in is in sight on a phone.
for (const time of document.querySelectorAll("time[datetime]")) time.title = new Date(time.dateTime).toLocaleString();
const rooms = document.querySelector(".top nav"), here = rooms?.querySelector("[aria-current]");
if (here) rooms.scrollLeft = here.offsetLeft - (rooms.clientWidth - here.clientWidth) / 2;
