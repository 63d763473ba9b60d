import { ApiError } from "./errors.js";

type Ask = (error: ApiError) => Promise<boolean>;

export function createReauthentication() {
  const asks = new Set<Ask>(); // the latest is asked
  let asking: Promise<boolean> | null = null;
  let answered = 0;
  let lastAnswer = false;

  function register(ask: Ask): () => void {
    asks.add(ask);
    return () => void asks.delete(ask);
  }

  /** The answer of the person. Calls at the same time share it, also one that learns too late that it had to ask. */
  async function agreed(error: ApiError, answeredBefore: number): Promise<boolean> {
    if (answered !== answeredBefore) return lastAnswer;
    const ask = [...asks].at(-1);
    if (!ask) return false;
    asking ??= ask(error).finally(() => {
      asking = null;
      answered++;
    });
    return (lastAnswer = await asking);
  }

  /** Call, and once more where a recent sign-in was missing and the person has authenticated again. */
  async function repeat<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const before = answered;
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "reauthentication_required") throw error;
      if (!(await agreed(error, before))) throw error;
      return call();
    }
  }

  return { register, repeat };
}
