"use client";

import type { ApiError, Client } from "@authapp/client";
import { useEffect, useMemo, useState, type ComponentType, type ReactElement, type ReactNode } from "react";
import { AuthContext } from "./context.js";
import { ReauthenticationDialog, type ReauthenticationProps } from "./ReauthenticationDialog.js";
import { apiError } from "./sentence.js";
import { english, type Texts } from "./texts.js";

export interface AuthProviderProps {
  client: Client;
  /** In place of the English ones. */
  texts?: Partial<Texts> | undefined;
  /** Asks for the password again where a call needs a recent sign-in. */
  reauthentication?: ComponentType<ReauthenticationProps> | undefined;
  children?: ReactNode;
}

interface Question {
  error: ApiError;
  answer: (done: boolean) => void;
}

/** Starts the client and gives it to the components and hooks inside. */
export function AuthProvider(props: AuthProviderProps): ReactElement {
  const { client, texts, reauthentication: Reauthentication = ReauthenticationDialog, children } = props;
  const [question, setQuestion] = useState<Question | null>(null);
  const [startError, setStartError] = useState<ApiError | null>(null);
  const provided = useMemo(() => ({ client, texts: { ...english, ...texts }, startError }), [client, texts, startError]);

  useEffect(() => {
    let isCurrent = true;
    const start = (): void => void client.start().catch((error: unknown) => isCurrent && setStartError(apiError(error)));
    const stop = client.onChange(({ status }) => {
      setStartError(null);
      if (status === "loading") start(); // another account: this waits for what the client has begun by itself
    });
    start();
    return () => {
      isCurrent = false;
      stop();
      setStartError(null);
    };
  }, [client]);
  useEffect(() => {
    let close = (): void => undefined;
    const stopAsking = client.onReauthenticationRequired((error) => {
      return new Promise((resolve) => {
        const answer = (done: boolean): void => {
          setQuestion((open) => (open?.answer === answer ? null : open)); // a late answer leaves the next question open
          resolve(done);
        };
        close = () => answer(false);
        setQuestion({ error, answer });
      });
    });
    const stopListening = client.onChange(({ status }) => {
      if (status !== "signed_in") close();
    });
    return () => {
      stopAsking();
      stopListening();
      close();
    };
  }, [client]);

  return (
    <AuthContext.Provider value={provided}>
      {children}
      {question && <Reauthentication error={question.error} onClose={question.answer} />}
    </AuthContext.Provider>
  );
}
