// Time passes when a test says so: for the client, and for the server, whose clock is another one.
const [wall, monotonic] = [Date.now, performance.now.bind(performance)];
let skipped = 0;
let wrong = 0;
let asleep = 0;

/** Milliseconds since the start, by the clock of the server. */
export const passed = () => monotonic() + skipped;

Date.now = () => wall() + skipped + wrong;
performance.now = () => monotonic() + skipped - asleep;

/** Let seconds pass. */
export function pass(seconds) {
  skipped += seconds * 1000;
}

/** Let seconds pass while the computer sleeps and the monotonic clock of the browser stands still. */
export function sleepFor(seconds) {
  pass(seconds);
  asleep += seconds * 1000;
}

/** Somebody sets the clock of the computer. */
export function setClock(seconds) {
  wrong += seconds * 1000;
}

export function resetClock() {
  wrong = 0;
  asleep = 0;
}
