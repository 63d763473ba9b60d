// A list of the API that is shown page by page. Its rows are copies of a template.
import { callAccount } from "./account-call.js";
import { onSubmit } from "./form.js";

const SIZE = 10;
/** How `readableTime` shows the day alone. @type {Intl.DateTimeFormatOptions} */
export const DATE = { dateStyle: "medium" };

/**
 * @param {HTMLElement} section with `data-list`, `data-row` and `data-more`
 * @param {string} path of the API
 * @param {(row: HTMLElement, item: any) => void} fillRow
 * @param {{ size?: number, query?: () => Record<string, string>, onRows?: (hasRows: boolean) => void }} [options] rows of
 *   a page, parameters of the API, and what follows once rows are shown or there are none
 * @returns {() => Promise<void>} shows the first page
 */
export function pagedList(section, path, fillRow, { size = SIZE, query = () => ({}), onRows = () => undefined } = {}) {
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
    const page = await callAccount("GET", `${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams(place)}`);
    if (mine !== asked) return []; // the list was asked for once more meanwhile
    const rows = page.items.map(rowOf);
    if (!after) list.replaceChildren();
    list.append(...rows);
    cursor = page.next_cursor;
    more.hidden = !cursor;
    onRows(list.childElementCount > 0);
    return rows;
  }

  onSubmit(more, async () => {
    const [first] = await load(cursor);
    first?.querySelector("[tabindex]").focus();
  });
  return async () => void (await load(null));
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
