// Draws the charts of the analytics pages and keeps them current.
// <section data-traffic-charts data-url="/api/v1/traffic?…"> with <div data-chart="requests"> and <div data-chart="latency">.

const REFRESH_MS = 5000;
const CLASS_TOKENS = { "2xx": "--series-good", "3xx": "--series-3", "4xx": "--series-waiting", "5xx": "--series-bad" };
const LATENCY_TOKENS = { p50: "--series-1", p95: "--series-2", p99: "--series-4" };

// Tokens differ between light and dark; only a computed colour says which one holds now.
const probe = document.body.appendChild(document.createElement("span"));
probe.hidden = true;
const token = (name) => {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
};
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
// Points of a day are days of UTC, wherever the reader is.
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const DAY_MS = 86_400_000;
const number = new Intl.NumberFormat();

// How points are labelled: by the time where they are of one day, else by the day as far as that is needed.
function labels(points) {
  const times = points.map((point) => new Date(point.time));
  const step = times.length > 1 ? times[1] - times[0] : 0;
  const format = step >= DAY_MS ? day : step * times.length > DAY_MS ? dayAndClock : clock;
  return times.map((time) => format.format(time));
}

function base(points, unit) {
  const text = token("--text-quiet");
  const line = { lineStyle: { color: token("--line") } };
  return {
    animation: false,
    aria: { enabled: true },
    grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, textStyle: { color: text }, icon: "roundRect", itemHeight: 8 },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      valueFormatter: (value) => (value === null || value === undefined ? "–" : `${number.format(value)}${unit}`),
    },
    xAxis: {
      type: "category",
      data: labels(points),
      axisLabel: { color: text, margin: 12, hideOverlap: true },
      axisLine: line,
      axisTick: { show: false },
    },
    yAxis: { type: "value", minInterval: unit ? 0 : 1, axisLabel: { color: text, formatter: `{value}${unit}` }, splitLine: line },
  };
}

function requests(points) {
  const series = Object.entries(CLASS_TOKENS).map(([name, colour]) => ({
    name, type: "bar", stack: "requests", itemStyle: { color: token(colour) }, barCategoryGap: "20%",
    data: points.map((point) => point.classes[name]),
  }));
  return { ...base(points, ""), series };
}

function latency(points) {
  const series = Object.entries(LATENCY_TOKENS).map(([name, colour]) => ({
    name, type: "line", symbol: "circle", symbolSize: 6, showSymbol: points.filter((point) => point[name] !== null).length < 3, connectNulls: false,
    itemStyle: { color: token(colour) }, lineStyle: { color: token(colour), width: 2 },
    data: points.map((point) => (point[name] === null ? null : Math.round(point[name] * 10) / 10)),
  }));
  return { ...base(points, " ms"), series };
}

const OPTIONS = { requests, latency };

class TrafficCharts {
  constructor(section) {
    this.section = section;
    this.note = section.querySelector("[data-chart-note]");
    this.charts = new Map();
    for (const place of section.querySelectorAll("[data-chart]")) {
      this.charts.set(place.dataset.chart, window.echarts.init(place, null, { renderer: "svg" }));
    }
    new ResizeObserver(() => this.charts.forEach((chart) => chart.resize())).observe(section);
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    this.refresh();
  }

  async refresh() {
    try {
      const answer = await fetch(this.section.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`The portal answered ${answer.status}.`);
      this.points = (await answer.json()).points;
      this.note.textContent = "";
      this.draw();
    } catch {
      this.note.textContent = "The charts could not be refreshed. The next attempt is in a few seconds.";
    }
    // A page in the background asks again when it is looked at.
    if (document.hidden) document.addEventListener("visibilitychange", () => this.refresh(), { once: true });
    else window.setTimeout(() => this.refresh(), REFRESH_MS);
  }

  draw() {
    if (!this.points) return;
    this.charts.forEach((chart, name) => chart.setOption(OPTIONS[name](this.points), { notMerge: true }));
  }
}

document.querySelectorAll("[data-traffic-charts]").forEach((section) => new TrafficCharts(section));
