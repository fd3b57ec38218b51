"use strict";
// The report works without this; it adds sources of numbers, choice and order of effects, and a curve to choose.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const FIRST_LINE = 2, PAGE = 50, ONCE = "once", DASHES = ["6 3", "", "3 2", "9 2 2 2", "1 2", "12 3"];
  const FIRST = ["analysis", "subgroup", "outcome", "centre", "arm", "reference_arm", "month", "month_from", "month_to",
    "estimate", "ci_low", "ci_high", "p_value", "variance", "n_assigned", "n_control", "n_persons", "n_obs"];

  const said = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => name in values ? values[name] : whole);
  const number = (value, options) =>
    new Intl.NumberFormat(document.documentElement.lang, {signDisplay: "negative", ...options}).format(value).replace("-", "−");
  const points = (share) => number(100 * share, {minimumFractionDigits: 1, maximumFractionDigits: 1});
  const whole = (value) => number(value, {maximumFractionDigits: 0});
  const known = (value) => typeof value === "number";

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  // Rows of a table as objects; what is hidden is in `hidden`.
  const rows = (name) => {
    const {columns, rows: values, hidden} = data.tables[name];
    const signs = new Set(hidden.map(([y, x]) => `${y},${x}`));
    return values.map((row, y) => ({
      ...Object.fromEntries(columns.map((column, x) => [column, row[x]])),
      hidden: new Set(columns.filter((column, x) => signs.has(`${y},${x}`))),
      line: y + FIRST_LINE,
    }));
  };
  const cache = new Map();
  const table = (name) => cache.get(name) || cache.set(name, rows(name)).get(name);

  // --- where a number comes from ---------------------------------------------------------------

  const dialog = at("source");
  const value = (row, column) => {
    if (row.hidden.has(column)) return `: (${data.texts.hidden})`;
    const found = row[column];
    if (found === null || found === "") return data.texts.missing;
    return known(found) ? number(found, {maximumSignificantDigits: 6}) : String(found);
  };

  const place = ([name, line]) => said(data.texts.line, {file: `${data.folder}${name}.csv`, line});
  const values = ([name, line]) => {
    const row = table(name)[line - FIRST_LINE], {columns} = data.tables[name], list = element("dl");
    const order = [...FIRST.filter((c) => columns.includes(c)), ...columns.filter((c) => !FIRST.includes(c))];
    list.append(...order.flatMap((column) => {
      const shown = element("dd", value(row, column)), words = (data.names[column] || {})[row[column]];
      if (words && words !== row[column]) shown.append(element("small", words));
      return [element("dt", data.columns[column] || column), shown];
    }));
    return list;
  };
  const folded = (line) => {
    const part = element("details");
    part.append(element("summary", place(line)), values(line));
    return part;
  };
  // "wage_subsidy:2,7 flow:3": the lines of a number that several rows make.
  const explain = (source) => {
    const lines = source.split(" ").flatMap((part) => {
      const [name, places] = part.split(":");
      return places.split(",").map((line) => [name, line]);
    });
    at("source-row").textContent = lines.length > 1 ? said(data.texts.lines, {n: lines.length}) : place(lines[0]);
    at("source-values").replaceChildren(...(lines.length > 1 ? lines.map(folded) : lines.map(values)));
    dialog.showModal();
    dialog.scrollTop = 0;
  };
  at("source-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // Each number becomes a button; a table is one stop of the Tab key, and arrow keys move within it.
  const traceable = (body) => {
    [...body.querySelectorAll("[data-source]")].forEach((cell, place) => {
      const text = cell.firstChild;
      if (!text || cell.querySelector("button")) return;
      const button = element("button", text.textContent.trim(), {type: "button", "aria-haspopup": "dialog", tabindex: place && cell.matches("td") ? "-1" : "0"});
      cell.replaceChild(button, text);
    });
  };
  const beside = (cell, key) => {
    const row = cell.parentElement, column = [...row.children].indexOf(cell);
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const all = [...row.querySelectorAll("td button")], here = all.indexOf(cell.querySelector("button"));
      return all[here + (key === "ArrowRight" ? 1 : -1)];
    }
    const lines = [...row.closest("table").rows], step = key === "ArrowDown" ? 1 : -1;
    for (let y = lines.indexOf(row) + step; lines[y]; y += step) {
      const found = lines[y].children[column] && lines[y].children[column].querySelector("td button");
      if (found) return found;
    }
  };
  document.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-source]");
    if (cell && event.target.closest("button")) explain(cell.dataset.source);
  });
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest && event.target.closest("td[data-source]");
    if (!cell || !event.key.startsWith("Arrow")) return;
    const next = beside(cell, event.key);
    event.preventDefault();
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  // --- all effects: choice, order, pages -------------------------------------------------------

  const effects = () => {
    const [body, ...again] = at("effects").tBodies, heads = [...document.querySelectorAll("#effects thead th")];
    const found = new Map(table("effects").map((row) => [row.line, row]));
    const lines = [...at("effects").querySelectorAll("tbody tr[data-line]")].map((line) => ({line, isAgain: line.parentElement !== body,
      row: found.get(Number(line.dataset.line)), text: [...line.cells].map((cell) => cell.textContent).join(" ").toLowerCase()}));
    again.forEach((part) => part.remove());
    const state = {column: "", step: 1, from: 0, page: PAGE};
    const chosen = () => {
      const selects = [...document.querySelectorAll("#filters select")], isOnce = selects.some((s) => s.value === ONCE);
      const equal = selects.filter((s) => s.value !== "" && s.value !== ONCE);
      const month = at("filter-month").value, words = at("filter-text").value.trim().toLowerCase().replace(/\s+/g, " ");
      return lines.filter(({row, text, isAgain}) => !(isOnce && isAgain) && equal.every((s) => String(row[s.dataset.column]) === s.value)
        && (month === "" || (row.month_from <= Number(month) && Number(month) <= row.month_to))
        && text.includes(words));
    };
    const place = (column, code) => column === "centre" ? data.centres.indexOf(code) : column === "arm" ? data.arms.indexOf(code) : code;
    const compared = (a, b) => {
      const [x, y] = [a, b].map(({row}) => place(state.column, row[state.column]));
      if (x === null || y === null) return (x === null) - (y === null);  // numbers that are not there come last
      return state.step * (typeof x === "number" ? x - y : x < y ? -1 : x > y ? 1 : 0);
    };
    const show = () => {
      const rest = chosen();
      if (state.column) rest.sort(compared);
      state.from = Math.max(0, Math.min(state.from, PAGE * Math.floor((rest.length - 1) / PAGE)));
      const page = rest.slice(state.from, state.from + state.page);
      body.replaceChildren(...page.map(({line}) => line));
      [...body.querySelectorAll("button")].forEach((button, i) => { button.tabIndex = i ? -1 : 0; });
      at("effects-shown").textContent = page.length
        ? said(data.texts.shown, {n: whole(rest.length), all: whole(lines.length), from: whole(state.from + 1), to: whole(state.from + page.length)})
        : data.texts.nothing;
      at("effects-back").disabled = state.from === 0;
      at("effects-on").disabled = state.from + PAGE >= rest.length;
    };
    const fromStart = () => { state.from = 0; show(); };
    heads.forEach((head) => {
      const button = element("button", head.textContent, {type: "button"});
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const {sort} = head.dataset;
        state.step = state.column === sort ? -state.step : 1;
        state.column = sort;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", state.step > 0 ? "ascending" : "descending");
        fromStart();
      });
    });
    at("filters").addEventListener("input", fromStart);
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    at("filters").addEventListener("reset", () => setTimeout(() => {
      document.querySelectorAll("#filters select").forEach((select) => { select.value = ""; });
      fromStart();
    }));
    at("effects-back").addEventListener("click", () => { state.from -= PAGE; show(); });
    at("effects-on").addEventListener("click", () => { state.from += PAGE; show(); });
    addEventListener("beforeprint", () => { Object.assign(state, {from: 0, page: lines.length}); show(); });
    addEventListener("afterprint", () => { state.page = PAGE; show(); });
    at("effects-details").open = true;
    show();
  };

  // --- a curve whose centre and arms can be chosen ---------------------------------------------

  const curve = () => {
    const what = at("curve-what"), centre = at("curve-centre"), arms = at("curve-arms"), month = at("curve-month");
    const [first, last] = data.window, treatments = data.arms.filter((arm) => arm !== data.reference);
    const variance = data.primary;
    centre.append(...data.centres.map((code) => element("option", data.names.centre[code], {value: code})));
    data.arms.forEach((arm) => {
      const label = element("label"), box = element("input", undefined, {type: "checkbox", value: arm, checked: ""});
      label.append(box, data.names.arm[arm]);
      arms.append(label);
    });
    Object.assign(month, {min: first, max: last, value: 0});

    const shares = (arm) => table("employment_by_month")
      .filter((row) => row.centre === centre.value && row.arm === arm)
      .map((row) => ({month: row.month, y: row.share, n: row.n_observed, all: row.n_persons, row, table: "employment_by_month"}));
    const differences = (arm) => table("effects")
      .filter((row) => row.analysis === (centre.value === "all" ? "by_month" : "by_centre_month") && row.subgroup === "all"
        && row.centre === centre.value && row.arm === arm && row.variance === variance)
      .map((row) => ({month: row.month_from, y: row.estimate, low: row.ci_low, high: row.ci_high, row, table: "effects"}));
    const lines = () => {
      const wanted = new Set([...arms.querySelectorAll("input:checked")].map((box) => box.value));
      const isShare = what.value === "share";
      return (isShare ? data.arms : treatments).filter((arm) => wanted.has(arm))
        .map((arm) => ({arm, number: data.arms.indexOf(arm), found: isShare ? shares(arm) : differences(arm)}));
    };

    const NS = "http://www.w3.org/2000/svg", BOX = {left: 40, right: 0, top: 26, bottom: 330};
    const drawn = (name, attributes, text) => {
      const made = document.createElementNS(NS, name);
      for (const [key, given] of Object.entries(attributes)) made.setAttribute(key, given);
      if (text !== undefined) made.textContent = text;
      return made;
    };
    const LABEL = 120;  // the names of the arms at the right; on a phone they stand above the ends of the lines
    const x = (k) => BOX.left + (BOX.right - BOX.left) * (k - first) / Math.max(1, last - first);
    const steps = (low, high) => {
      const rough = (high - low) / 5, unit = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= rough);
      const found = [];
      for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + 1e-9; tick += step) found.push(tick);
      return found;
    };
    const runs = (found) => found.reduce((all, point) => {
      if (!known(point.y)) return [...all, []];
      all[all.length - 1].push(point);
      return all;
    }, [[]]).filter((run) => run.length);

    const draw = () => {
      const all = lines(), isShare = what.value === "share", picture = at("curve-picture");
      const width = picture.clientWidth || 720, isNarrow = width < 560;
      BOX.right = isNarrow ? width - 8 : width - LABEL;
      const values = all.flatMap(({found}) => found.flatMap(({y, low, high}) => [y, low, high])).filter(known).map((v) => 100 * v);
      const low = Math.min(0, ...values), high = Math.max(isShare ? 5 : 1, ...values), room = 0.06 * (high - low);
      const from = low < 0 ? low - room : 0, to = isShare ? Math.min(100, high + room) : high + room;
      const y = (v) => BOX.bottom - (BOX.bottom - BOX.top) * (v - from) / (to - from);
      const title = said(isShare ? data.texts.curve_share : data.texts.curve_effect, {centre: data.names.centre[centre.value]});
      at("curve-heading").textContent = title;
      const parts = steps(from, to).flatMap((tick) => [
        drawn("line", {class: "grid", x1: BOX.left, x2: BOX.right, y1: y(tick), y2: y(tick)}),
        drawn("text", {class: "quiet", x: BOX.left - 8, y: y(tick) + 4, "text-anchor": "end"}, number(tick, {maximumFractionDigits: 2})),
      ]);
      const ticks = isNarrow ? 2 : 1, step = ticks * [[36, 12], [18, 6], [9, 3], [0, 1]].find(([least]) => last - first >= least)[1];
      for (let k = Math.ceil(first / step) * step; k <= last; k += step) {
        parts.push(drawn("text", {class: "quiet", x: x(k), y: BOX.bottom + 18, "text-anchor": "middle"}, whole(k)));
      }
      parts.push(
        drawn("line", {class: "axis", x1: BOX.left, x2: BOX.right, y1: y(0), y2: y(0)}),
        drawn("line", {class: "axis", x1: x(0), x2: x(0), y1: BOX.top, y2: BOX.bottom}),
        drawn("text", {class: "quiet", x: x(0), y: BOX.bottom + 18, "text-anchor": "middle"}, ""),
        drawn("text", {class: "quiet", x: (BOX.left + BOX.right) / 2, y: BOX.bottom + 40, "text-anchor": "middle"}, data.texts.months),
        drawn("text", {class: "quiet", x: 0, y: 14}, isShare ? data.texts.share : `${data.texts.effect}, ${data.texts.interval}`),
        drawn("line", {class: "at", x1: x(month.value), x2: x(month.value), y1: BOX.top, y2: BOX.bottom}),
      );
      const ends = [];
      all.forEach(({arm, number: place, found}) => {
        const tint = `var(--arm-${place % 6})`;
        runs(found).forEach((run) => {
          const banded = run.filter((p) => known(p.low) && known(p.high));
          if (banded.length) {
            const edge = [...banded.map((p) => [x(p.month), y(100 * p.high)]), ...banded.reverse().map((p) => [x(p.month), y(100 * p.low)])];
            parts.push(drawn("polygon", {class: "band", points: edge.join(" "), style: `fill: ${tint}`}));
          }
          parts.push(drawn("polyline", {class: "line", points: run.map((p) => [x(p.month), y(100 * p.y)]).join(" "), style: `stroke: ${tint}`, "stroke-dasharray": DASHES[place % 6]}));
          if (run.length === 1) {  // a month alone: its point, and its interval as a line
            const [{month: k, y: share, low: from, high: to}] = run;
            parts.push(drawn("circle", {cx: x(k), cy: y(100 * share), r: 2.5, style: `fill: ${tint}`}));
            if (known(from) && known(to)) parts.push(drawn("line", {x1: x(k), x2: x(k), y1: y(100 * from), y2: y(100 * to), style: `stroke: ${tint}`}));
          }
        });
        const ended = found.filter((p) => known(p.y)).pop();
        if (ended) ends.push({arm, tint, y: y(100 * ended.y)});
      });
      ends.sort((a, b) => a.y - b.y).forEach((end, i) => {
        if (i) end.y = Math.max(end.y, ends[i - 1].y + 16);
        const where = isNarrow ? {x: BOX.right, y: end.y - 8, "text-anchor": "end"} : {x: BOX.right + 8, y: end.y + 4};
        parts.push(drawn("text", {...where, style: `fill: ${end.tint}; font-weight: bold`}, data.names.arm[end.arm].slice(0, 18)));
      });
      picture.replaceChildren(...parts);
      read(all);
    };

    const read = (all) => {
      const list = element("ul");
      all.forEach(({arm, found}) => {
        const point = found.find((p) => p.month === Number(month.value));
        const line = element("li", `${data.names.arm[arm]}: `);
        if (!point || !known(point.y)) line.append(data.texts.not_known);
        else if (what.value === "share") line.append(`${points(point.y)} % (${said(data.texts.of, {n: known(point.n) ? whole(point.n) : ":", all: known(point.all) ? whole(point.all) : ":"})})`);
        else line.append(points(point.y), known(point.low) && known(point.high) ? ` (${said(data.texts.to, {low: points(point.low), high: points(point.high)})})` : "");
        if (point) {
          const button = element("button", said(data.texts.line, {file: `${point.table}.csv`, line: point.row.line}), {type: "button", "aria-haspopup": "dialog"});
          button.addEventListener("click", () => explain(`${point.table}:${point.row.line}`));
          line.append(" ", button);
        }
        list.append(line);
      });
      at("curve-values").replaceChildren(element("p", said(data.texts.month, {month: whole(month.value)})), list);
    };
    [what, centre, arms, month].forEach((control) => control.addEventListener("input", draw));
    addEventListener("resize", draw);
    const part = at("curve").closest("details");
    if (part) part.addEventListener("toggle", draw);  // a folded picture has no width
    draw();
  };

  // --- folded parts: opened by a link to what is in them, and for print -------------------------

  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView();
  };
  const printed = () => {
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll("main details:not([open])")];
      closed.forEach((part) => { part.open = true; });
    });
    addEventListener("afterprint", () => { closed.forEach((part) => { part.open = false; }); });
  };

  document.querySelectorAll(".enhanced").forEach((part) => { part.hidden = false; });
  document.querySelectorAll("table, .result, .gaps").forEach(traceable);
  effects();
  curve();
  printed();
  addEventListener("hashchange", unfold);
  unfold();
})();
