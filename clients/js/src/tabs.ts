// What the tabs of a browser tell each other.

export type Message =
  | { type: "signed_in" | "refreshed"; account: string; token: string; seconds: number; at: number }
  | { type: "signed_out" };

export type Tabs = ReturnType<typeof createTabs>;

export function createTabs(name: string, hear: (message: Message) => void) {
  let channel: BroadcastChannel | null = null;
  const waiting: (() => void)[] = [];

  /** Listen, from the first call on: a server that renders pages does not. */
  function listen(): void {
    channel ??= new BroadcastChannel(name);
    channel.onmessage = ({ data }) => {
      if (!isMessage(data)) return;
      hear(data);
      for (const done of waiting.splice(0)) done();
    };
    (channel as { unref?: () => void }).unref?.(); // of Node.js
  }

  const tell = (message: Message) => channel?.postMessage(message);

  /** Wait for a message, but not for long: the other tab may be frozen. */
  const heard = (milliseconds: number) =>
    new Promise<void>((done) => {
      waiting.push(done);
      setTimeout(done, milliseconds);
    });

  /** How to release the lock, or null where another tab has it. */
  const lock = () =>
    new Promise<(() => void) | null>((done) => {
      const unlocked = () => done(() => {});
      if (!globalThis.navigator?.locks) return unlocked();
      navigator.locks
        .request(name, { ifAvailable: true }, (held) =>
          held ? new Promise<void>((release) => done(release)) : done(null),
        )
        .catch(unlocked);
    });

  function close(): void {
    channel?.close();
    channel = null;
  }

  return { listen, tell, heard, lock, close };
}

/** Another version of this client may say other things. */
function isMessage(data: unknown): data is Message {
  const { type, account, token, seconds, at } = Object(data) as Record<string, unknown>;
  if (type === "signed_out") return true;
  if (type !== "signed_in" && type !== "refreshed") return false;
  return typeof account === "string" && typeof token === "string" && Number.isFinite(seconds) && Number.isFinite(at);
}
