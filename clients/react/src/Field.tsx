"use client";

import { useContext, useId, useState, type InputHTMLAttributes, type ReactElement, type ReactNode } from "react";
import { useProvided } from "./context.js";
import { FormState } from "./Form.js";

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  name: string;
  label: string;
  autoComplete: string;
  hint?: string;
  /** Beside the input. */
  children?: ReactNode;
}

/** A labelled input with its hint and its error. */
export function Field({ name, label, hint, required = true, children, ...input }: FieldProps): ReactElement {
  const { texts } = useProvided();
  const id = useId();
  const error = useContext(FormState).fields[name];
  const describedBy = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="authapp-field">
      <label htmlFor={id}>
        {label}
        {!required && <span className="authapp-optional"> ({texts.optional})</span>}
      </label>
      <div className="authapp-input">
        <input
          id={id}
          name={name}
          required={required}
          spellCheck={false}
          aria-invalid={error ? true : undefined}
          aria-describedby={describedBy || undefined}
          {...input}
        />
        {children}
      </div>
      {hint && <p className="authapp-hint" id={`${id}-hint`}>{hint}</p>}
      {error && <p className="authapp-error" id={`${id}-error`}>{error}</p>}
    </div>
  );
}

export function EmailField(props: Partial<FieldProps>): ReactElement {
  const { texts } = useProvided();
  return <Field name="email" label={texts.email} type="email" inputMode="email" autoCapitalize="none" autoComplete="username" {...props} />;
}

/** A password, with a button that shows it until the form is sent: no browser remembers it as a text. */
export function PasswordField({ autoComplete, ...props }: Partial<FieldProps> & { autoComplete: string }): ReactElement {
  const { texts } = useProvided();
  const { isBusy } = useContext(FormState);
  const [isAsked, setAsked] = useState(false);
  const isShown = isAsked && !isBusy;
  return (
    <Field name="password" label={texts.password} type={isShown ? "text" : "password"} autoCapitalize="none" autoComplete={autoComplete} {...props}>
      <button type="button" className="authapp-reveal" aria-label={texts.show_password} aria-pressed={isShown} onClick={() => setAsked(!isShown)}>
        {texts.show}
      </button>
    </Field>
  );
}
