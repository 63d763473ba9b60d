// The texts that scripts show, in the language of the page.
const texts = (await import(`/pages/texts/${document.documentElement.lang}.js`)).default;

/**
 * A text of the section `script`.
 * @param {string} name
 * @param {Record<string, string | number>} [values] for its {names}
 */
export function text(name, values = {}) {
  return fill(texts.script[name] ?? name, values);
}

/**
 * What a problem document of the API says, in the language of the page where there is a sentence for its code.
 * @param {import("./problem.js").Problem} problem
 */
export function sentence(problem) {
  const said = texts.errors[problem.code] ?? problem.detail;
  return problem.retryAfter ? `${said} ${text("retry", { wait: wait(problem.retryAfter) })}` : said;
}

/**
 * Whether there is a sentence for a code.
 * @param {string} code
 */
export function hasSentence(code) {
  return Object.hasOwn(texts.errors, code);
}

/**
 * "in 15 minutes", in the language of the page. Never too early.
 * @param {number} seconds
 */
export function wait(seconds) {
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang);
  if (seconds < 60) return format.format(seconds, "second");
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? format.format(minutes, "minute") : format.format(Math.ceil(minutes / 60), "hour");
}

/**
 * What the API says of a field. What it says of one claim begins with the name of the claim.
 * @param {string[]} messages
 */
export function fieldMessage(messages) {
  return messages.map((message) => {
    const [, claim = "", sentence] = /^([!-~]+: )?(.*)$/s.exec(message) ?? [];
    return texts.fields[message] ?? claim + (texts.fields[sentence] ?? sentence);
  }).join(" ");
}

/**
 * @param {string} sentence
 * @param {Record<string, string | number>} values
 */
function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * An event of the audit log as a sentence.
 * @param {string} action
 */
export function actionSentence(action) {
  return texts.actions[action] ?? action;
}

/**
 * What a detail of an event is called.
 * @param {string} name
 */
export function detailName(name) {
  return texts.details[name] ?? name;
}

/**
 * The value of a detail of an event, in words where there are some.
 * @param {string} name
 * @param {string} value
 */
export function detailValue(name, value) {
  return texts.details[`${name}.${value}`] ?? value;
}

/**
 * "24 hours", in the language of the page.
 * @param {number} seconds
 */
export function duration(seconds) {
  const [unit, size] = seconds % 3600 === 0 ? ["hour", 3600] : seconds % 60 === 0 ? ["minute", 60] : ["second", 1];
  const format = { style: "unit", unit, unitDisplay: "long" };
  return new Intl.NumberFormat(document.documentElement.lang, format).format(seconds / size);
}

/**
 * With a capital, as the names of plans are shown everywhere.
 * @param {string} name
 */
export function titled(name) {
  return name.charAt(0).toLocaleUpperCase() + name.slice(1);
}

/**
 * The actions of the audit log of some kinds, each with its sentence, in the order of the texts.
 * @param {string[]} kinds the first words of actions
 * @returns {[action: string, sentence: string][]}
 */
export function actionsOf(kinds) {
  return Object.entries(texts.actions).filter(([action]) => kinds.includes(action.split(".")[0]));
}

/**
 * The claims of a trusted identity, or of a job's token.
 * @param {Record<string, string | number | boolean>} claims
 */
export function claimsInWords(claims) {
  return Object.entries(claims).map(([name, value]) => `${name}: ${value}`).join(", ");
}
