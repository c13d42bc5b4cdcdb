
// The learning curves: panels that can be pointed at, with what they show chosen by
// variant, metric and seed. `curves.rs` says what the numbers are.
(() => {
  const data = JSON.parse(document.getElementById("curves-data").textContent);
  const chart = document.getElementById("chart");
  const [controls, place] = [".controls", ".panels"].map((name) => chart.querySelector(name));
  const metrics = [...new Set(data.panels.map((panel) => panel.metric))];
  const claimed = data.panels.filter((panel) => panel.shown).map((panel) => panel.metric);
  const state = {
    hidden: new Set(),
    metrics: new Set(claimed),
    runs: false,
    // The epoch read off; null is the last.
    epoch: null,
  };

  // Elements. Names come from files, so they are only ever set as text.
  const fill = (node, attributes, ...inside) => {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...inside);
    return node;
  };
  const html = (tag, attributes = {}, ...inside) =>
    fill(document.createElement(tag), attributes, ...inside);
  const svg = (tag, attributes = {}, ...inside) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, ...inside);

  const stroke = (variant) => ({ stroke: variant.colour, "stroke-dasharray": variant.dash });
  const swatch = (variant) =>
    svg("svg", { class: "swatch", viewBox: "0 0 26 10", "aria-hidden": "true" },
      svg("line", { x1: 0, x2: 26, y1: 5, y2: 5, "stroke-width": 2.5, ...stroke(variant) }));

  // Numbers.
  const isNumber = (value) => value !== null && value !== undefined;
  const show = (panel, value) => (panel.most === 100 ? value.toFixed(2) : value.toPrecision(4));
  const epochOf = (x) => Math.ceil(x);
  const step = (length, most) => {
    const rough = length / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    return power * ([1, 2, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
  };
  const ticks = (from, to, by) =>
    Array.from({ length: Math.floor((to - from) / by + 1e-9) + 1 }, (_, k) => from + k * by);
  const label = (tick, by) =>
    (tick + 0).toFixed(Math.min(6, Math.max(0, -Math.floor(Math.log10(by)))));

  const shownLines = (panel) =>
    panel.lines
      .map((line, index) => ({ line, variant: data.variants[index], index }))
      .filter(({ index }) => !state.hidden.has(index));
  // The mean's line joins the epochs that have one.
  const points = (panel, values) =>
    values.map((y, k) => [panel.x[k], y]).filter(([, y]) => isNumber(y));
  // Without the single seeds: what a finished one did beyond the mean, and the others.
  const part = (line, run) => {
    if (state.runs || run.ended !== "finished") return run.y;
    const last = line.mean.length - 1;
    return run.y.length > line.mean.length
      ? run.y.map((y, k) => (k >= last ? y : null))
      : [];
  };

  // Whole steps around everything shown, from zero where that does not flatten it.
  const range = (panel) => {
    const values = shownLines(panel).flatMap(({ line }) => [
      ...line.mean, ...line.low.map((y) => y && Math.max(y, 0)),
      ...line.high.map((y) => y && Math.min(y, panel.most ?? Infinity)),
      ...line.runs.flatMap((run) => part(line, run)),
    ]).filter(isNumber);
    if (!values.length) return [0, panel.most ?? 1];
    if (isNumber(panel.target)) values.push(Math.max(0, panel.target - 1), panel.target + 1);
    const low = values.reduce((a, b) => Math.min(a, b));
    const high = values.reduce((a, b) => Math.max(a, b));
    return low < 0.5 * high || low <= 0 ? [Math.min(low, 0), high] : [low, high];
  };

  const lastEpoch = Math.max(1, ...data.panels.flatMap((panel) => panel.x.map(epochOf)));
  // The place among a panel's epochs that is nearest to the one read off.
  const cursor = (panel) => {
    const wanted = state.epoch ?? lastEpoch;
    let best = -1;
    panel.x.forEach((x, k) => {
      const off = Math.abs(epochOf(x) - wanted);
      if (best < 0 || off <= Math.abs(epochOf(panel.x[best]) - wanted)) best = k;
    });
    return best;
  };

  const margin = { left: 46, right: 14, top: 10, bottom: 40 };

  const draw = (panel, area, width) => {
    const height = Math.round(Math.min(340, Math.max(220, width * 0.62)));
    const [low, high] = range(panel);
    const size = Math.max(Math.abs(low), Math.abs(high));
    // A range of no width, rounding aside, is given one, as in `axis.rs`.
    const by = step(high - low > 1e-6 * size ? high - low : Math.max(0.1 * size, 0.1), 6);
    const from = Math.floor(low / by) * by;
    const to = Math.max(Math.ceil(high / by) * by, from + by);
    const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
    const px = (x) => margin.left + (x / lastEpoch) * inner.width;
    const py = (y) =>
      margin.top + (1 - (Math.min(to, Math.max(from, y)) - from) / (to - from)) * inner.height;
    const path = (list) => list.map(([x, y], k) => `${k ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("");

    area.replaceChildren();
    fill(area, { viewBox: `0 0 ${width} ${height}`, height });
    for (const tick of ticks(from, to, by)) {
      area.append(
        svg("line", { class: "grid", x1: px(0), x2: px(lastEpoch), y1: py(tick), y2: py(tick) }),
        svg("text", { x: margin.left - 8, y: py(tick), dy: "0.35em", "text-anchor": "end" }, label(tick, by)));
    }
    const across = Math.max(1, step(lastEpoch, Math.max(3, Math.floor(inner.width / 55))));
    for (const tick of ticks(0, lastEpoch, across)) {
      area.append(svg("text", { x: px(tick), y: height - 22, "text-anchor": "middle" }, label(tick, across)));
    }
    area.append(
      svg("line", { class: "axis", x1: px(0), x2: px(lastEpoch), y1: py(from), y2: py(from) }),
      svg("text", { x: px(lastEpoch / 2), y: height - 5, "text-anchor": "middle" }, "epochs"));
    if (isNumber(panel.target)) {
      area.append(
        svg("line", { class: "target", x1: px(0), x2: px(lastEpoch), y1: py(panel.target), y2: py(panel.target) }),
        svg("text", { x: px(lastEpoch), y: py(panel.target) - 5, "text-anchor": "end" }, `target ${panel.target}`));
    }
    // The treatment, first of the lines, comes last, on top; bands lie under every line.
    const lines = shownLines(panel).reverse();
    for (const { line, variant } of lines) {
      const [below, above] = [points(panel, line.low), points(panel, line.high)];
      if (below.length > 1) {
        area.append(svg("path", { class: "band", fill: variant.colour, d: `${path(above)}${path(below.reverse()).replace("M", "L")}Z` }));
      } else if (below.length === 1) {
        area.append(svg("path", { class: "run", ...stroke(variant), d: path([...below, ...above]) }));
      }
    }
    for (const { line, variant } of lines) {
      for (const run of line.runs) {
        const list = points(panel, part(line, run));
        area.append(svg("path", { class: "run", stroke: variant.colour, d: path(list) }));
        if (run.ended !== "diverged" || !list.length) continue;
        const [x, y] = [px(list.at(-1)[0]), py(list.at(-1)[1])];
        area.append(svg("path", { stroke: variant.colour, "stroke-width": 2, d: `M${x - 4} ${y - 4}l8 8m0-8l-8 8` }));
      }
      const mean = points(panel, line.mean);
      area.append(svg("path", { class: "mean", ...stroke(variant), d: path(mean) }));
      if (mean.length === 1) {
        area.append(svg("circle", { cx: px(mean[0][0]), cy: py(mean[0][1]), r: 3, fill: variant.colour }));
      }
      if (line.crossing) {
        area.append(svg("circle", { class: "crossing", cx: px(line.crossing[0]), cy: py(line.crossing[1]), r: 4.5, fill: variant.colour }));
      }
    }
    const at = cursor(panel);
    if (at >= 0 && state.epoch !== null) {
      const x = px(panel.x[at]);
      area.append(svg("line", { class: "cursor", x1: x, x2: x, y1: margin.top, y2: py(from) }));
      for (const { line, variant } of lines) {
        if (isNumber(line.mean[at])) {
          area.append(svg("circle", { cx: x, cy: py(line.mean[at]), r: 3.5, fill: variant.colour }));
        }
      }
    }
    return (clientX) => {
      const box = area.getBoundingClientRect();
      const x = (((clientX - box.left) / box.width) * width - margin.left) / inner.width * lastEpoch;
      // The nearest place that has a value.
      const near = panel.x.reduce((a, b) => (Math.abs(b - x) < Math.abs(a - x) ? b : a), panel.x[0] ?? 1);
      return epochOf(near);
    };
  };

  // The values at the epoch read off, as a table and in words.
  const read = (panel, table) => {
    const at = cursor(panel);
    const when = at < 0 ? "nothing was recorded"
      : `${panel.split === "Training" ? "in" : "after"} epoch ${epochOf(panel.x[at])}`;
    const rows = [];
    const words = [];
    for (const { line, variant } of shownLines(panel)) {
      // At rest, a variant that ended earlier shows its own last epoch.
      const k = state.epoch === null && line.mean.length ? line.mean.length - 1 : at;
      const [mean, low, high] = [line.mean, line.low, line.high].map((values) => values[k]);
      const early = k === at ? "" : ` (epoch ${epochOf(panel.x[k])})`;
      const value = (isNumber(mean) ? show(panel, mean) : "–") + early;
      const band = isNumber(low) ? `[${show(panel, low)}, ${show(panel, high)}]` : "";
      rows.push(html("tr", {},
        html("th", { scope: "row" }, swatch(variant), variant.name),
        html("td", {}, value), html("td", {}, band)));
      words.push(`${variant.name} ${value} ${band}`.trim());
      const single = line.runs.filter((run) => isNumber(run.y[at]));
      if (state.runs && single.length) {
        const text = single.map((run) => `${run.name}: ${show(panel, run.y[at])}`).join("; ");
        rows.push(html("tr", {}, html("td", { class: "runs", colspan: 3 }, text)));
      }
    }
    table.replaceChildren(html("caption", {}, when), html("tbody", {}, ...rows));
    return `${when}: ${words.join("; ")}`;
  };

  const panels = data.panels.map((panel) => {
    const name = `${panel.split}: ${panel.metric}`;
    const area = svg("svg", {
      tabindex: 0, role: "slider", "aria-label": `${name}; the epoch read off`,
      "aria-valuemin": 1, "aria-valuemax": lastEpoch,
    });
    const table = html("table", { class: "readout" });
    const box = html("div", { class: "panel" }, html("h3", {}, name), area, table);
    place.append(box);
    let locate = () => lastEpoch;
    const render = () => {
      box.hidden = !state.metrics.has(panel.metric);
      if (box.hidden) return;
      locate = draw(panel, area, Math.max(240, Math.round(box.clientWidth)));
      fill(area, { "aria-valuenow": state.epoch ?? lastEpoch, "aria-valuetext": read(panel, table) });
    };
    const go = (epoch) => {
      if (epoch === state.epoch) return;
      state.epoch = epoch;
      renderAll();
    };
    const point = (event) => go(locate(event.clientX));
    area.addEventListener("pointermove", point);
    area.addEventListener("pointerdown", point);
    area.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") go(null);
    });
    area.addEventListener("keydown", (event) => {
      const now = state.epoch ?? lastEpoch;
      const epochs = [...new Set(panel.x.map(epochOf))];
      const next = {
        ArrowLeft: epochs.filter((epoch) => epoch < now).at(-1) ?? now,
        ArrowDown: epochs.filter((epoch) => epoch < now).at(-1) ?? now,
        ArrowRight: epochs.find((epoch) => epoch > now) ?? now,
        ArrowUp: epochs.find((epoch) => epoch > now) ?? now,
        Home: epochs[0] ?? now,
        End: lastEpoch,
        Escape: null,
      };
      if (!(event.key in next)) return;
      event.preventDefault();
      go(next[event.key]);
    });
    return render;
  });
  const renderAll = () => panels.forEach((render) => render());

  // What is shown.
  const group = (title, choices) =>
    controls.append(html("fieldset", {}, html("legend", {}, title), ...choices));
  const choice = (isOn, set, ...name) => {
    const box = html("input", { type: "checkbox" });
    box.checked = isOn;
    box.addEventListener("change", () => {
      set(box.checked);
      renderAll();
    });
    return html("label", {}, box, ...name);
  };
  const member = (set, value) => (isIn) => (isIn ? set.add(value) : set.delete(value));
  group("Variants", data.variants.map((variant, index) => {
    const hide = member(state.hidden, index);
    return choice(true, (isOn) => hide(!isOn), swatch(variant), variant.label);
  }));
  group("Metrics", metrics.map((metric) =>
    choice(state.metrics.has(metric), member(state.metrics, metric), metric)));
  group("Seeds", [choice(false, (isOn) => { state.runs = isOn; }, "single lines")]);

  chart.hidden = false;
  renderAll();
  addEventListener("resize", renderAll);
})();
