"use client";

import type { ApiError, Client } from "@authapp/client";
import { useCallback, useEffect, useRef, useState } from "react";
import { useProvided } from "./context.js";
import { apiError } from "./sentence.js";

interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

interface List<Item> extends Page<Item> {
  isLoading: boolean;
  error: ApiError | null;
  /** How many items there were before the last "Show more": the first new one gets the focus. 0: none does. */
  focusFrom: number;
}

export interface Pages<Item> extends List<Item> {
  /** Whether a press on the button of `<More>` would load something. */
  hasMore: boolean;
  more: () => void;
  setItems: (change: (items: Item[]) => Item[]) => void;
}

/** How a page is read. */
export type Read<Item> = (
  client: Client,
  options: { query: { limit: number; cursor?: string }; signal: AbortSignal },
) => Promise<Page<Item>>;

const SIZE = 50;

/**
 * A list of the API, page by page. What is under way is aborted when the component unmounts.
 * @param read another function is another list
 */
export function usePages<Item>(read: Read<Item>): Pages<Item> {
  const { client } = useProvided();
  const [list, setList] = useState<List<Item>>(empty);
  const controller = useRef(new AbortController());

  const load = useCallback(
    async (cursor: string | null, signal: AbortSignal): Promise<void> => {
      setList((list) => ({ ...list, isLoading: true, error: null }));
      try {
        const page = await read(client, { query: { limit: SIZE, ...(cursor && { cursor }) }, signal });
        if (signal.aborted) return;
        setList(({ items }) => ({
          items: [...items, ...page.items],
          next_cursor: page.next_cursor,
          isLoading: false,
          error: null,
          focusFrom: cursor ? items.length : 0,
        }));
      } catch (error) {
        if (signal.aborted) return;
        const shown = apiError(error);
        setList((list) => ({ ...list, isLoading: false, error: shown }));
      }
    },
    [client, read],
  );

  useEffect(() => {
    const mine = new AbortController();
    controller.current = mine;
    setList(empty);
    void load(null, mine.signal);
    return () => mine.abort();
  }, [load]);

  return {
    ...list,
    hasMore: list.next_cursor !== null || list.error !== null,
    more: () => void (list.isLoading || load(list.next_cursor, controller.current.signal)),
    setItems: (change) => setList((list) => ({ ...list, items: change(list.items), focusFrom: 0 })),
  };
}

function empty<Item>(): List<Item> {
  return { items: [], next_cursor: null, isLoading: true, error: null, focusFrom: 0 };
}
