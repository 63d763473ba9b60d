// The filters of a table (`filters` of console_parts.html). They are behind the section in the address, named as the
// parameters of the API: `#members?role=admin`. So reloading, going back and a link keep them.

/**
 * @param {HTMLFormElement} form in a section
 * @param {() => Promise<void>} load reads the table anew
 */
export function bindFilters(form, load) {
  const apply = () => {
    keep(form);
    void load();
  };
  const button = form.querySelector("[type=submit]"); // none where each field applies at once
  if (button) button.disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  for (const choice of form.querySelectorAll("select")) choice.addEventListener("change", apply);
  form.querySelector("[data-clear]").addEventListener("click", () => {
    form.reset();
    form.querySelector("select, input").focus();
    apply();
  });
}

/**
 * The values of filters as the API takes them, without those that are empty. A local time becomes a moment.
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>}
 */
export function parametersOf(form) {
  const filled = [...form.elements].filter((field) => field.name && field.value);
  return Object.fromEntries(filled.map(({ name, type, value }) => [
    name,
    type === "datetime-local" ? new Date(value).toISOString() : value,
  ]));
}

/**
 * Put the filters of the address into the form. A choice that is not offered is none.
 * @param {HTMLFormElement} form
 */
export function restoreFilters(form) {
  const [section, query] = location.hash.slice(1).split("?");
  const found = new URLSearchParams(section === sectionOf(form) ? query : "");
  for (const field of form.elements) {
    if (!field.name) continue;
    const value = found.get(field.name) ?? "";
    field.value = field.type === "datetime-local" ? localTime(value) : value;
    if (field.selectedIndex < 0) field.selectedIndex = 0;
  }
}

/** @param {HTMLFormElement} form */
function keep(form) {
  const query = new URLSearchParams(parametersOf(form)).toString();
  history.replaceState(null, "", `#${sectionOf(form)}${query && `?${query}`}`);
}

/** @param {HTMLFormElement} form */
function sectionOf(form) {
  return form.closest(".section").id;
}

/**
 * A moment as a field for a local time takes it.
 * @param {string} moment
 */
function localTime(moment) {
  const time = Date.parse(moment);
  if (Number.isNaN(time)) return "";
  return new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
