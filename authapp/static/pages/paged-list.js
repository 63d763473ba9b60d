// A list of the API that is shown page by page. Its rows are copies of a template.
import { callAccount } from "./account-call.js";
import { onSubmit } from "./form.js";

const SIZE = 10;

/**
 * @param {HTMLElement} section with `data-list`, `data-row` and `data-more`
 * @param {string} path of the API
 * @param {(row: HTMLElement, item: any) => void} fillRow
 * @param {{ size?: number, query?: () => Record<string, string> }} [options] rows of a page, and parameters of the API
 * @returns {() => Promise<number | null>} shows the first page: how many rows, null where it was asked for once more
 */
export function pagedList(section, path, fillRow, { size = SIZE, query = () => ({}) } = {}) {
  const list = section.querySelector("[data-list]");
  const template = section.querySelector("[data-row]");
  const more = section.querySelector("[data-more]");
  /** @type {string | null} */
  let cursor = null;
  let asked = 0;

  /** @param {any} item */
  function rowOf(item) {
    const row = template.content.firstElementChild.cloneNode(true);
    fillRow(row, item);
    return row;
  }

  /** @param {string | null} after */
  async function load(after) {
    const mine = ++asked;
    const place = { limit: String(size), ...query(), ...(after ? { cursor: after } : {}) };
    const page = await callAccount("GET", `${path}?${new URLSearchParams(place)}`);
    if (mine !== asked) return null; // the list was asked for once more meanwhile
    const rows = page.items.map(rowOf);
    if (!after) list.replaceChildren();
    list.append(...rows);
    cursor = page.next_cursor;
    more.hidden = !cursor;
    return rows;
  }

  onSubmit(more, async () => {
    const rows = await load(cursor);
    rows?.[0]?.querySelector("[tabindex]").focus();
  });
  return async () => (await load(null))?.length ?? null;
}

/**
 * Write a text into a place of a row.
 * @param {HTMLElement} row
 * @param {string} name
 * @param {string} value
 */
export function fillSlot(row, name, value) {
  row.querySelector(`[data-slot="${name}"]`).textContent = value;
}

/**
 * A moment of the API, for a reader.
 * @param {string} timestamp
 * @param {Intl.DateTimeFormatOptions} [options] default: date and time
 */
export function readableTime(timestamp, options = { dateStyle: "medium", timeStyle: "short" }) {
  return new Date(timestamp).toLocaleString(document.documentElement.lang, options);
}
