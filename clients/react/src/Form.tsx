"use client";

import type { ApiError } from "@authapp/client";
import { createContext, useEffect, useRef, useState, type FormEvent, type ReactElement, type ReactNode } from "react";
import { useProvided } from "./context.js";
import { apiError, sentence } from "./sentence.js";
import type { Texts } from "./texts.js";

/** The fields of a form that were filled in. */
export type Values = Record<string, string>;

interface Shown {
  /** The error as a sentence. */
  said: string;
  /** The same, beside the fields that it is about. */
  fields: Record<string, string>;
  note: string;
}

interface FormProps {
  /** The name of the form for screen readers. */
  label: string;
  button: string;
  kind?: "primary" | "secondary" | "danger";
  /** Sends the form. An `ApiError` that it throws is shown. */
  send: (values: Values) => Promise<unknown>;
  /** The field that an error without field errors is about, by the code of the error. */
  beside?: Record<string, string>;
  /** Has a button that cancels. */
  onCancel?: (() => void) | undefined;
  /** An error of another form, to be shown here at first. */
  initialError?: ApiError | null;
  children?: ReactNode;
}

const NOTHING: Shown = { said: "", fields: {}, note: "" };

export const FormState = createContext({ fields: NOTHING.fields, isBusy: false });

/** A form that is sent once at a time. Errors appear beside their fields or in the alert, and the first gets the focus. */
export function Form(props: FormProps): ReactElement {
  const { label, button, kind = "primary", send, beside = {}, onCancel, initialError = null, children } = props;
  const { texts } = useProvided();
  const form = useRef<HTMLFormElement>(null);
  const isSending = useRef(false);
  const [isBusy, setBusy] = useState(false);
  const [shown, setShown] = useState<Shown>(() => ({ ...NOTHING, said: initialError ? sentence(initialError, texts) : "" }));
  const [alert, setAlert] = useState("");

  useEffect(() => setAlert(hasFields(form.current, shown.fields) ? "" : shown.said), [shown]); // some came with the error
  useEffect(() => {
    if (shown.said) focusError(form.current);
  }, [shown, alert]);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const element = event.currentTarget;
    if (isSending.current) return;
    const missing = missingFields(element, texts.required);
    if (Object.keys(missing).length) return setShown({ ...NOTHING, said: texts.required, fields: missing });
    setShown(NOTHING);
    isSending.current = true;
    setBusy(true);
    try {
      await send(valuesOf(element));
    } catch (error) {
      setShown(shownError(apiError(error), element, beside, texts));
    } finally {
      isSending.current = false;
      setBusy(false);
    }
  }

  return (
    <form ref={form} className="authapp-form" aria-label={label} aria-busy={isBusy} noValidate onSubmit={(event) => void submit(event)}>
      <div className="authapp-alert" role="alert" tabIndex={-1}>{alert}</div>
      <FormState.Provider value={{ fields: shown.fields, isBusy }}>{children}</FormState.Provider>
      <div className="authapp-actions">
        <button type="submit" className={`authapp-button authapp-button-${kind}`} aria-disabled={isBusy}>
          {isBusy ? texts.busy : button}
        </button>
        {onCancel && (
          <button type="button" className="authapp-button authapp-button-secondary authapp-cancel" onClick={onCancel}>{texts.cancel}</button>
        )}
      </div>
      <p className="authapp-note" role="status">{shown.note}</p>
    </form>
  );
}

/** Where an error is shown. What the person has wanted, as cancelling, is a note, which leaves the focus where it is. */
function shownError(error: ApiError, form: HTMLFormElement, beside: Record<string, string>, texts: Texts): Shown {
  const said = sentence(error, texts);
  if (error.code === "passkey_cancelled") return { ...NOTHING, note: said };
  if (error.code === "wrong_code") emptyCode(form);
  const place = beside[error.code];
  const messages = Object.entries(error.errors).map(([name, messages]) => [name, messages.join(" ")] as const);
  return { said, note: "", fields: place ? { [place]: said } : Object.fromEntries(messages) };
}

/** Whether the form has all these fields, and at least one. */
function hasFields(form: HTMLFormElement | null, fields: Record<string, string>): boolean {
  const names = Object.keys(fields);
  return names.length > 0 && names.every((name) => form?.elements.namedItem(name));
}

/** The next code is another one. A recovery code is corrected. */
function emptyCode(form: HTMLFormElement): void {
  const code = form.elements.namedItem("code");
  if (code instanceof HTMLInputElement && /^[\d\s]*$/.test(code.value)) code.value = "";
}

function missingFields(form: HTMLFormElement, message: string): Values {
  const missing = [...form.querySelectorAll<HTMLInputElement>("input[required]")].filter((input) => !input.value.trim());
  return Object.fromEntries(missing.map((input) => [input.name, message]));
}

function valuesOf(form: HTMLFormElement): Values {
  const values: Values = {};
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && value) values[name] = value;
  return values;
}

function focusError(form: HTMLFormElement | null): void {
  const alert = form?.querySelector<HTMLElement>(".authapp-alert");
  const invalid = form?.querySelector<HTMLElement>("[aria-invalid=true]");
  if (invalid) invalid.focus();
  else if (alert?.textContent) alert.focus();
}
