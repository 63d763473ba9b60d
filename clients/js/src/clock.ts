// How much time has passed. Of the two clocks of a browser one stands still while the computer sleeps, and the other one
// jumps when somebody sets it: the larger of both counts. The time of day itself is never compared with the server's.

export interface Moment {
  monotonic: number;
  wall: number;
}

export const now = (): Moment => ({ monotonic: performance.now(), wall: Date.now() });

/** Milliseconds since then, rather too many than too few. */
export const since = (then: Moment): number =>
  Math.max(performance.now() - then.monotonic, Date.now() - then.wall);

export const sleep = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
