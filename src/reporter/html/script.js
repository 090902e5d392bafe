"use strict";
(() => {
  const all = (what, from) => Array.from((from || document).querySelectorAll(what));
  const make = (tag, text, does) => {
    const it = document.createElement(tag);
    it.textContent = text;
    if (does) { it.type = "button"; it.addEventListener("click", does); }
    return it;
  };
  // Light and dark.
  const nav = document.querySelector("nav");
  const root = document.documentElement;
  nav.append(make("button", "Light / dark", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }));
  nav.append(make("button", "Expand all", (event) => {
    const open = event.target.textContent === "Expand all";
    for (const one of all("details")) one.open = open;
    event.target.textContent = open ? "Fold all" : "Expand all";
  }));
  // Copy buttons.
  for (const code of all(".command code, .hash code")) {
    code.after(" ", make("button", "Copy", (event) => {
      const done = () => { event.target.textContent = "Copied"; };
      const select = () => {
        const range = document.createRange();
        range.selectNodeContents(code);
        const selection = getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
      };
      if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, select);
      else select();
    }));
  }
  // Evidence is open on paper.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
  // The table of packages.
  const form = document.querySelector(".filters");
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const search = document.getElementById("search");
  const boxes = all("input[type=checkbox]", form);
  const count = document.getElementById("count");
  const rows = Array.from(body.rows, (row) => ({
    row, text: row.textContent.toLowerCase(), flags: " " + row.dataset.f + " ",
  }));
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = boxes.filter((box) => box.checked).map((box) => " " + box.value + " ");
    let shown = 0;
    for (const { row, text, flags } of rows) {
      const fits = words.every((word) => text.includes(word)) && wanted.every((flag) => flags.includes(flag));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    count.textContent = shown + " of " + rows.length;
  };
  const remember = () => {
    filter();
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    const on = boxes.filter((box) => box.checked).map((box) => box.value);
    if (on.length) state.set("f", on.join(","));
    const text = state.toString();
    history.replaceState(null, "", "#packages" + (text ? "?" + text : ""));
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", remember);
  addEventListener("keydown", (event) => {
    const busy = /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !busy && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    }
  });
  for (const head of all("th[data-sort]", table)) {
    head.tabIndex = 0;
    const at = head.cellIndex;
    const value = (row) => row.cells[at].dataset.v || row.cells[at].textContent;
    const sort = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const order = (a, b) => value(a.row).localeCompare(value(b.row), "en", { numeric: true });
      rows.sort((a, b) => (up ? order(a, b) : order(b, a)));
      body.append(...rows.map(({ row }) => row));
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  }
  // Links into the page: what they point at is open; filters stand behind the question mark.
  const arrive = () => {
    const fragment = location.hash.slice(1);
    if (fragment === "packages" || fragment.startsWith("packages?")) {
      const state = new URLSearchParams(fragment.slice("packages?".length));
      search.value = state.get("q") || "";
      const on = (state.get("f") || "").split(",");
      for (const box of boxes) box.checked = on.includes(box.value);
      if (fragment.includes("?")) document.getElementById("packages").scrollIntoView();
    } else if (fragment) {
      let name = fragment;
      try { name = decodeURIComponent(fragment); } catch { /* as it is */ }
      const target = document.getElementById(name);
      for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
      if (target) for (const one of all("details.evidence", target)) one.open = true;
      if (target) target.scrollIntoView();
    }
    filter();
  };
  addEventListener("hashchange", arrive);
  arrive();
  root.dataset.ready = "yes";
})();
