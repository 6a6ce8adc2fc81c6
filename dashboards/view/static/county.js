// Draws the pictures that the server sends, keeps ages and the clock going, and says when the picture is not live.
// It asks nobody for anything: every byte comes over the page's own connection.
"use strict";
window.county = (() => {
  const setup = { zone: "Asia/Shanghai", language: "zh", elements: {} };
  const waiting = new Map();
  const maps = new Map();
  let clockSkew = 0, pulse = null, pulsedAt = performance.now(), retry = null;

  const now = () => Date.now() + clockSkew;
  const zh = () => setup.language === "zh";
  const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

  function age(ms) {
    const s = Math.max(0, Math.round((now() - ms) / 1000));
    const [n, unit] = s < 60 ? [s, 0] : s < 3600 ? [Math.floor(s / 60), 1] : s < 172800 ? [Math.floor(s / 3600), 2] : [Math.floor(s / 86400), 3];
    return zh() ? `${n}${["秒", "分钟", "小时", "天"][unit]}前` : `${n} ${["s", "min", "h", "d"][unit]} ago`;
  }
  function clockText(ms) {
    return new Intl.DateTimeFormat("sv-SE", { timeZone: setup.zone, dateStyle: "short", timeStyle: "medium" }).format(ms);
  }

  // --- pictures -------------------------------------------------------------------------------------------------
  function draw(pictures) {
    for (const picture of pictures) waiting.set(picture.id, picture);
    flush();
  }
  function flush() {
    clearTimeout(retry);
    for (const [id, picture] of [...waiting]) if (paint(picture)) waiting.delete(id);
    if (waiting.size) retry = setTimeout(flush, 100);
    ages();
  }
  function paint(picture) {
    const panel = document.getElementById(`panel-${picture.id}`);
    if (!panel) return false;
    const body = panel.querySelector(".body");
    panel.dataset.failed = picture.error ? "yes" : "no";
    panel.querySelector(".error").textContent = picture.error || "";
    if (picture.kind === "error") { panel.dataset.drawn = "error"; return true; }
    const own = setup.elements[picture.id];
    const vue = own === undefined ? null : getElement(own);
    const html = body.querySelector(".html");
    if (picture.kind === "html") {
      html.innerHTML = picture.html;
    } else {
      if (!vue || !(picture.kind === "map" ? vue.map : vue.chart)) return false;
      html.innerHTML = "";
      ({ chart: paintChart, timeline: paintTimeline, map: paintMap })[picture.kind](vue, picture, panel);
    }
    panel.dataset.drawn = picture.kind;
    panel.dataset.version = String(Number(panel.dataset.version || 0) + 1);
    return true;
  }
  function note(panel, left) {
    let mark = panel.querySelector(".note");
    if (!left) { mark?.remove(); return; }
    if (!mark) { mark = document.createElement("div"); mark.className = "note"; panel.querySelector(".body").append(mark); }
    mark.style.cssText = "width:auto;height:auto";
    mark.textContent = zh() ? `另有 ${left} 项未显示` : `${left} more not shown`;
  }
  const axis = { axisLine: { lineStyle: { color: "#314052" } }, axisLabel: { color: "#93a1b3", fontSize: 12, hideOverlap: true }, splitLine: { lineStyle: { color: "#1d2735" } } };
  const box = { backgroundColor: "#0b1017f2", borderColor: "#314052", textStyle: { color: "#e6edf3", fontSize: 13 } };

  function paintChart(vue, picture, panel) {
    const option = picture.option;
    const plain = new Intl.NumberFormat("en", { maximumFractionDigits: Math.max(picture.decimals, 1) });
    option.tooltip = { ...box, ...option.tooltip, valueFormatter: (v) => (v === null || v === undefined ? "–" : `${plain.format(v)} ${picture.unit}`) };
    option.xAxis = { ...axis, ...option.xAxis, splitLine: { show: false } };
    option.yAxis = { ...axis, ...option.yAxis, name: picture.unit, nameTextStyle: { color: "#93a1b3", align: "left" }, nameGap: 9, splitNumber: 4 };
    option.grid.top = picture.unit ? 28 : 14;
    option.legend = { ...option.legend, textStyle: { color: "#c7d2de", fontSize: 12 }, pageTextStyle: { color: "#93a1b3" }, pageIconColor: "#6cb6ff", pageIconInactiveColor: "#314052" };
    vue.chart.setOption(option, { replaceMerge: ["series"] });
    note(panel, picture.left_out);
  }
  function paintTimeline(vue, picture, panel) {
    const render = (params, api) => {
      const row = api.value(0), from = api.coord([api.value(1), row]), to = api.coord([api.value(2), row]);
      const high = Math.min(api.size([0, 1])[1] * 0.72, 30), state = picture.states[api.value(3)];
      const area = params.coordSys, left = Math.max(from[0], area.x), right = Math.min(to[0], area.x + area.width);
      if (right <= left) return null;
      const wide = right - left > state.text.length * 9 + 14 && high >= 12;
      return { type: "group", children: [
        { type: "rect", shape: { x: left, y: from[1] - high / 2, width: Math.max(right - left, 1.5), height: high, r: 2 }, style: { fill: state.color, opacity: 0.8 } },
        ...(wide ? [{ type: "text", style: { text: state.text, x: left + 6, y: from[1], textVerticalAlign: "middle", fill: "#0b1017", fontSize: 12, fontWeight: 600 } }] : []),
      ] };
    };
    const hour = (ms) => new Date(ms).toISOString().slice(5, 19).replace("T", " ");
    vue.chart.setOption({
      animation: false, useUTC: true, grid: { left: 10, right: 18, top: 6, bottom: 8, containLabel: true },
      tooltip: { ...box, confine: true, formatter: ({ value }) => `${escaped(picture.devices[value[0]])}<br>${escaped(picture.states[value[3]].text)}<br>${hour(value[1])} – ${hour(value[2])}` },
      xAxis: { ...axis, type: "time", min: picture.start, max: picture.end, splitLine: { show: false } },
      yAxis: { ...axis, type: "category", data: picture.devices, axisTick: { show: false }, splitLine: { show: false } },
      series: [{ type: "custom", renderItem: render, data: picture.bands, encode: { x: [1, 2], y: 0 }, clip: true }],
    }, { replaceMerge: ["series"] });
    note(panel, picture.left_out);
  }

  // --- map --------------------------------------------------------------------------------------------------------
  function shape(kind, color, hollow, size = 18) {
    const look = `fill="${hollow ? "#0e151e" : color}" stroke="${hollow ? color : "#0b1017"}" stroke-width="${hollow ? 2.5 : 1.5}"${hollow ? ' stroke-dasharray="3 2"' : ""}`;
    const drawn = { circle: `<circle cx="10" cy="10" r="8" ${look}/>`, square: `<rect x="2.5" y="2.5" width="15" height="15" rx="2" ${look}/>`,
      triangle: `<path d="M10 1.5 18.8 17.5H1.2Z" ${look}/>`, diamond: `<path d="M10 .8 19.2 10 10 19.2.8 10Z" ${look}/>` }[kind];
    return `<svg width="${size}" height="${size}" viewBox="0 0 20 20" aria-hidden="true">${drawn}</svg>`;
  }
  function markerHtml(item, hollow) {
    const size = item.sign ? 24 : 18;
    const sign = item.sign && !hollow ? `<text x="10" y="14.2" text-anchor="middle" font-size="11" font-weight="700" fill="#0b1017">${escaped(item.glyph)}</text></svg>` : "</svg>";
    return [shape(item.shape, item.color, hollow, size).replace("</svg>", sign), size];
  }
  function outlines(id, shapes, tiles, attribution) {
    const vue = getElement(setup.elements[id]);
    if (!vue || !vue.map) { setTimeout(() => outlines(id, shapes, tiles, attribution), 100); return; }
    const map = vue.map, bounds = L.latLngBounds([]);
    map.invalidateSize({ animate: false });
    map.eachLayer((layer) => map.removeLayer(layer));
    if (tiles) L.tileLayer(tiles, { attribution }).addTo(map);
    for (const [list, style] of [[shapes.villages, { color: "#3b5068", weight: 1.2, fillColor: "#17212e", fillOpacity: 0.75 }], [shapes.sites, { color: "#5d7896", weight: 1, fillColor: "#5d7896", fillOpacity: 0.5, radius: 3 }]])
      for (const item of list) {
        const layer = L.geoJSON({ type: "Feature", properties: {}, geometry: item.geometry }, { style, interactive: list === shapes.sites, pointToLayer: (_, at) => L.circleMarker(at, style) }).addTo(map);
        bounds.extend(layer.getBounds());
        if (list === shapes.sites) layer.bindTooltip(escaped(item.name));
        else L.tooltip({ permanent: true, direction: "bottom", className: "placename", interactive: false, offset: [0, 2] })
          .setLatLng([layer.getBounds().getNorth(), layer.getBounds().getCenter().lng]).setContent(escaped(item.name)).addTo(map);
      }
    const state = mapState(vue);
    if (bounds.isValid()) { state.fitted = true; map.fitBounds(bounds, { padding: [12, 12], animate: false }); }
  }
  function mapState(vue) {
    if (!maps.has(vue)) maps.set(vue, { markers: new Map(), fitted: false });
    return maps.get(vue);
  }
  function paintMap(vue, picture, panel) {
    const state = mapState(vue), map = vue.map, there = new Set();
    for (const item of picture.markers) { there.add(item.id); place(map, state, item); }
    for (const [id, marker] of state.markers) if (!there.has(id)) { marker.remove(); state.markers.delete(id); }
    if (!state.fitted && picture.markers.length) {
      state.fitted = true;
      map.fitBounds(L.latLngBounds(picture.markers.map((item) => item.at)), { padding: [30, 30], maxZoom: 14, animate: false });
    }
    let key = panel.querySelector(".key");
    if (!key) { key = document.createElement("div"); key.className = "key"; panel.querySelector(".body").append(key); }
    key.innerHTML = `<div>${Object.entries(picture.shapes).map(([kind, text]) => `<span>${shape(kind, "#93a1b3", false, 14)}${escaped(text)}</span>`).join("")}</div>`
      + `<div>${picture.legend.map(([glyph, text, color]) => `<span style="color:${color}">${escaped(glyph)} ${escaped(text)}</span>`).join("")}</div>`;
  }
  const isOld = (item) => item.stale_after_s > 0 && now() - item.seen_ms > item.stale_after_s * 1000;
  function told(item) {
    const old = isOld(item) ? `<br><b style="color:#f5c04a">${escaped(item.stale)} ${clockText(item.seen_ms)}</b>` : "";
    return `<b>${escaped(item.title)}</b><br><span style="color:${item.color}">${escaped(item.glyph)} ${escaped(item.kind)} · ${escaped(item.state)}</span>`
      + item.lines.map((line) => `<br>${escaped(line)}`).join("") + `<br>${clockText(item.seen_ms)} · ${age(item.seen_ms)}${old}`;
  }
  function place(map, state, item) {
    const hollow = isOld(item), look = `${item.color}${item.shape}${item.rank}${hollow}`;
    let marker = state.markers.get(item.id);
    if (!marker) {
      marker = L.marker(item.at, { keyboard: true, riseOnHover: true }).bindTooltip(() => told(marker.item), { direction: "top", offset: [0, -8] }).addTo(map);
      state.markers.set(item.id, marker);
    }
    marker.item = item;
    marker.setLatLng(item.at).setZIndexOffset((9 - item.rank) * 1000);
    if (marker.look !== look) {
      const [html, size] = markerHtml(item, hollow);
      marker.look = look;
      marker.setIcon(L.divIcon({ className: "mark", html, iconSize: [size, size], iconAnchor: [size / 2, size / 2] }));
    }
    marker.getElement()?.setAttribute("aria-label", `${item.title}: ${item.state}`);
  }

  // --- time and truth ---------------------------------------------------------------------------------------------
  function ages() {
    const today = clockText(now()).slice(0, 10);
    for (const element of document.querySelectorAll("time[data-ms]")) {
      const full = clockText(Number(element.dataset.ms));
      const text = full.startsWith(today) ? full.slice(11) : full.slice(5, 16);
      if (element.textContent !== text) { element.textContent = text; element.title = full; }
    }
    for (const element of document.querySelectorAll("[data-age]")) {
      const text = age(Number(element.dataset.age));
      if (element.textContent !== text) element.textContent = text;
    }
  }
  function beat(message) {
    pulse = message; pulsedAt = performance.now(); clockSkew = message.now - Date.now();
    truth();
  }
  function truth() {
    const silence = (performance.now() - pulsedAt) / 1000;
    const lost = silence > 5, late = lost || Boolean(pulse && pulse.late);
    const banner = document.querySelector(".banner"), live = document.querySelector(".live");
    if (!banner || !live) return;
    const since = lost ? pulse ? pulse.now : 0 : pulse && pulse.as_of;
    const old = since ? Math.max(0, Math.round((now() - since) / 1000)) : null;
    const quiet = !late && Boolean(pulse) && pulse.asked && now() - pulse.heard > 60000;
    document.body.classList.toggle("late", late);
    document.body.classList.toggle("warned", late || quiet);
    document.body.classList.toggle("quiet", quiet);
    live.classList.toggle("late", late || quiet);
    live.textContent = late || quiet ? (zh() ? "非实时 Not live" : "Not live 非实时") : zh() ? "实时" : "Live";
    if (quiet) {
      const when = `${clockText(pulse.heard)} (${age(pulse.heard)})`;
      if (!pulse.heard) banner.textContent = zh() ? "▲ 采集服务从未上报" : "▲ The ingest has never reported";
      else banner.innerHTML = zh() ? `▲ 采集服务无上报：最近一次 ${when}<small>下列状态停留在该时刻</small>` : `▲ The ingest is silent; last heard ${when}<small>the states below are as old as that</small>`;
    }
    if (late) {
      const why = lost ? (zh() ? "与视图服务的连接已中断" : "The connection to the view is lost") : zh() ? "存储不可读" : "The store cannot be read";
      const how = old === null ? (zh() ? "尚无画面" : "there is no picture yet") : zh() ? `画面为 ${old} 秒前` : `the picture is ${old} s old`;
      banner.innerHTML = `▲ ${why}${zh() ? "，" : ": "}${how}<small>${escaped(lost ? "" : pulse.why)}</small>`;
    }
  }
  function start(given) {
    Object.assign(setup, given);
    const tick = () => {
      const face = document.querySelector(".clock");
      if (face) face.textContent = clockText(now());
      ages(); truth();
      for (const [vue, state] of maps) for (const marker of state.markers.values()) if (isOld(marker.item)) place(vue.map, state, marker.item);
    };
    tick();
    setInterval(tick, 1000);
    for (const field of document.querySelectorAll(".top form select")) field.addEventListener("change", () => field.form.requestSubmit());
  }
  return { start, draw, beat, outlines };
})();
