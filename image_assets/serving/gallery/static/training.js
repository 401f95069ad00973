// While a training is under way its part of the page is asked for again; when it has ended, the page is.
const EVERY_MS = 2000;

async function follow() {
  const shown = document.getElementById("progress");
  if (shown.dataset.underWay !== "yes") return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("progress");
    if (fresh.dataset.underWay !== "yes") return location.reload();
    shown.replaceChildren(...fresh.childNodes);
  }
  setTimeout(follow, EVERY_MS);
}

setTimeout(follow, EVERY_MS);
