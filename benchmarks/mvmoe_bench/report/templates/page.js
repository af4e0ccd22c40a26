"use strict";
// Theme: the button turns the page to what it is not; nothing is kept.
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});

// Tables: a heading sorts by its column, again turns the order. Empty cells stay last.
const key = (row, column) => {
  const cell = row.cells[column];
  return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
};
const compare = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
};
const missing = (value) => value === "" || value === "-" || (typeof value === "string" && value.startsWith("- "));
const sort = (heading) => {
  const table = heading.closest("table");
  const body = table.tBodies[0];
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const column = heading.cellIndex;
  const rows = [...body.rows].map((row, at) => ({ row, at, value: key(row, column) }));
  rows.sort((a, b) => {
    if (missing(a.value) || missing(b.value)) return missing(a.value) - missing(b.value) || a.at - b.at;
    return (down ? -1 : 1) * compare(a.value, b.value) || a.at - b.at;
  });
  body.append(...rows.map((item) => item.row));
};
for (const heading of document.querySelectorAll("thead th")) {
  heading.firstElementChild.addEventListener("click", () => sort(heading));
}

// Tables that are wider than their box say so; the shades at their edges are the style's.
const mark = (box) => box.classList.toggle("cut", box.scrollWidth > box.clientWidth + 1);
const watch = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
for (const box of document.querySelectorAll(".scroll")) watch.observe(box);

// Print: everything that is folded is shown, and folded again afterwards.
let opened = [];
const unfold = () => {
  if (opened.length) return;
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const item of opened) item.open = true;
};
const fold = () => {
  for (const item of opened) item.open = false;
  opened = [];
};
addEventListener("beforeprint", unfold);
addEventListener("afterprint", fold);
matchMedia("print").addEventListener("change", (event) => (event.matches ? unfold() : fold()));
