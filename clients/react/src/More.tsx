"use client";

import type { ReactElement } from "react";
import { useProvided } from "./context.js";
import { sentence } from "./sentence.js";
import type { Pages } from "./usePages.js";

/** What is below a list: that it loads, why it did not, and the button for the next page. */
export function More<Item>({ isLoading, error, hasMore, more, items }: Pages<Item>): ReactElement {
  const { texts } = useProvided();
  return (
    <div className="authapp-more">
      <div className="authapp-alert" role="alert">{error && sentence(error, texts)}</div>
      {isLoading && items.length === 0 && <p className="authapp-note">{texts.loading}</p>}
      {hasMore && (
        <button type="button" className="authapp-button authapp-button-secondary" aria-disabled={isLoading} onClick={more}>
          {isLoading ? texts.busy : error ? texts.try_again : texts.more}
        </button>
      )}
    </div>
  );
}
