// A table of a list of the API (`table`, `filters` and `empty` of console_parts.html): paged, filtered, or empty.
//
//   const table = pagedTable(section, `/organizations/${id}/members`, fillRow);
//   await table.open();       // reads the first page, with the filters of the address; an error is shown below the table, with a button to try again
//   table.remove(row);        // the focus moves to the next row
import { bindFilters, parametersOf, restoreFilters } from "./filters.js";
import { showProblem } from "./form.js";
import { pagedList } from "./paged-list.js";
import { Problem } from "./problem.js";

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
    if (filters) restoreFilters(filters);
    await read();
  }

  async function read() {
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

  if (filters) bindFilters(filters, read);
  return { open, remove };
}
