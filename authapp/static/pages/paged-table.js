// A table of a list of the API (`table`, `filters` and `empty` of console_parts.html): paged, filtered, or empty.
//
//   const table = pagedTable(section, `/organizations/${id}/members`, fillRow);
//   await table.open();       // reads the first page; an error is shown below the table, with a button to try again
//   table.remove(row);        // the focus moves to the next row
import { Problem } from "./api.js";
import { showProblem } from "./form.js";
import { pagedList } from "./paged-list.js";

const SIZE = 25;

/**
 * @param {HTMLElement} section
 * @param {string} path of the API
 * @param {(row: HTMLElement, item: any) => void} fillRow
 */
export function pagedTable(section, path, fillRow) {
  const $ = (/** @type {string} */ selector) => section.querySelector(selector);
  const filters = $("[data-filters]");
  const query = () => (filters ? parametersOf(filters) : {});
  const load = pagedList(section, path, fillRow, { size: SIZE, query, onRows: show });

  async function open() {
    section.ariaBusy = "true";
    try {
      await load();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      $("[data-more]").hidden = false;
      showProblem($("[data-more]"), problem);
    }
    $("[data-loading]").hidden = true;
    section.ariaBusy = "false";
  }

  /** @param {boolean} hasRows */
  function show(hasRows) {
    const isFiltered = Object.keys(query()).length > 0;
    $("[data-table]").hidden = !hasRows;
    if ($("[data-none]")) $("[data-none]").hidden = hasRows || isFiltered;
    if (!filters) return;
    filters.hidden = !hasRows && !isFiltered;
    $("[data-none-found]").hidden = hasRows || !isFiltered;
    $("[data-clear]").hidden = !isFiltered;
  }

  /** @param {HTMLElement} row */
  function remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (!next) show(false);
    (next?.querySelector("[tabindex]") ?? $("h2")).focus();
  }

  if (filters) bindFilters(filters, open);
  return { open, remove };
}

/**
 * @param {HTMLFormElement} filters
 * @param {() => Promise<void>} open
 */
function bindFilters(filters, open) {
  filters.querySelector("[type=submit]").disabled = false;
  filters.addEventListener("submit", (event) => {
    event.preventDefault();
    void open();
  });
  for (const choice of filters.querySelectorAll("select")) choice.addEventListener("change", () => void open());
  filters.querySelector("[data-clear]").addEventListener("click", () => {
    filters.reset();
    filters.querySelector("select, input").focus();
    void open();
  });
}

/**
 * The values of filters as the API takes them, without those that are empty. A local time becomes a moment.
 * @param {HTMLFormElement} filters
 * @returns {Record<string, string>}
 */
function parametersOf(filters) {
  const filled = [...filters.elements].filter((field) => field.name && field.value);
  return Object.fromEntries(filled.map(({ name, type, value }) => [
    name,
    type === "datetime-local" ? new Date(value).toISOString() : value,
  ]));
}
