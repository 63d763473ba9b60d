import { ApiError } from "@authapp/client";
import { fill, type Texts } from "./texts.js";

/** What an error says: the sentence of the API. The client's own errors have texts here. */
export function sentence(error: ApiError, texts: Texts): string {
  const said = ownText(error, texts) ?? error.detail;
  return error.retryAfter ? `${said} ${fill(texts.retry, { wait: wait(error.retryAfter, texts.language) })}` : said;
}

/** The error as an `ApiError`. Any other is a mistake in the program, and is thrown on. */
export function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}

function ownText({ code }: ApiError, texts: Texts): string | undefined {
  return code === "network" || code === "passkey_cancelled" || code === "passkey_failed" ? texts[code] : undefined;
}

/** "in 15 minutes", never too early. */
function wait(seconds: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language);
  if (seconds < 60) return format.format(seconds, "second");
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? format.format(minutes, "minute") : format.format(Math.ceil(minutes / 60), "hour");
}
