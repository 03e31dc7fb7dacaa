// Keeps relative times right while a page stays open, and shows every time in the reader's own zone on hover.
const UNITS = [
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

function ago(moment) {
  const seconds = (Date.now() - moment) / 1000;
  const span = Math.abs(seconds);
  if (span < 10) return seconds >= 0 ? "just now" : "in a moment";
  const [size, unit] = UNITS.find(([length]) => span >= length);
  const count = Math.floor(span / size);
  const text = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-time]")) {
    const moment = Date.parse(time.dateTime);
    if (time.dataset.time === "relative") {
      const text = ago(moment);
      if (time.textContent !== text) time.textContent = text;
    }
    if (!time.dataset.local) {
      const local = new Date(moment).toLocaleString([], { dateStyle: "medium", timeStyle: "long" });
      time.dataset.local = "yes";
      if (!time.title.includes(local)) time.title = `${local} (${time.title})`;
    }
  }
}

refresh();
setInterval(refresh, 5000);
document.addEventListener("htmx:after:swap", refresh);
