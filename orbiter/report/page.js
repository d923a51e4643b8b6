
"use strict";
(() => {
  const table = document.getElementById("changes");
  if (!table) return;
  const find = (selector) => document.querySelector(selector);
  const [filters, bar, text, status, clear, none] = [".filters", ".bar", "#text", "output", "#clear", "#none"].map(find);
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row, index) => ({ row, index, words: row.textContent.toLowerCase(), ...row.dataset }));
  const boxes = Array.from(filters.querySelectorAll("input"), (box) => ({
    box, name: box.name, value: box.value, number: box.parentElement.querySelector(".number"), count: 0,
  }));
  const names = [...new Set(boxes.map(({ name }) => name))];
  const collator = new Intl.Collator("en", { numeric: true });
  const number = new Intl.NumberFormat("en");

  // Boxes of one group widen what is shown, groups narrow it; a group without a tick leaves all. A box's number says
  // what its tick would show, with all other groups as they are.
  const filter = () => {
    const parts = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Map(names.map((name) => [name, new Set()]));
    for (const each of boxes) {
      each.count = 0;
      if (each.box.checked) wanted.get(each.name).add(each.value);
    }
    let shown = 0;
    for (const entry of rows) {
      const misses = names.filter((name) => wanted.get(name).size && !wanted.get(name).has(entry[name]));
      const matches = parts.every((part) => entry.words.includes(part));
      const hidden = !matches || misses.length > 0;
      if (entry.row.hidden !== hidden) entry.row.hidden = hidden;
      shown += !hidden;
      if (!matches || misses.length > 1) continue;
      for (const each of boxes) {
        if (entry[each.name] === each.value && (!misses.length || misses[0] === each.name)) each.count += 1;
      }
    }
    for (const each of boxes) each.number.textContent = number.format(each.count);
    status.textContent = `${number.format(shown)} of ${number.format(rows.length)} changes`;
    none.hidden = shown > 0;
    clear.hidden = !parts.length && !boxes.some(({ box }) => box.checked);
  };

  const key = (entry, column) => {
    const cell = entry.row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
  };
  const compare = (one, other) => (typeof one === "number" ? one - other : collator.compare(one, other));
  const sort = (heading) => {
    const next = { none: "ascending", ascending: "descending", descending: "none" };
    const order = next[heading.getAttribute("aria-sort") || "none"];
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    const keyed = rows.map((entry) => [entry.row, order === "none" ? entry.index : key(entry, heading.cellIndex), entry.index]);
    const sign = order === "descending" ? -1 : 1;
    keyed.sort((one, other) => sign * compare(one[1], other[1]) || one[2] - other[2]);
    if (order !== "none") heading.setAttribute("aria-sort", order);
    body.append(...keyed.map(([row]) => row));
  };

  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(heading));
    heading.append(button);
  }
  let waiting = 0;
  text.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  });
  filters.addEventListener("change", filter);
  filters.addEventListener("submit", (event) => event.preventDefault());
  clear.addEventListener("click", () => {
    filters.reset();
    text.value = "";
    filter();
    text.focus();
  });
  table.className = "sortable";
  filters.hidden = bar.hidden = false;
  new ResizeObserver(() => table.style.setProperty("--under-bar", `${bar.offsetHeight}px`)).observe(bar);
  filter(); // a page that is gone back to keeps what was typed
})();
