// Renders components, and does what a person does.
import "./dom.js";
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { createClient, type Client } from "@authapp/client";
import { AuthProvider, type AuthProviderProps } from "@authapp/react";
import { act, type ReactNode } from "react";
import { createRoot } from "react-dom/client";

export interface Screen {
  client: Client;
  unmount: () => Promise<void>;
}

export async function show(test: TestContext, children: ReactNode, props: Partial<AuthProviderProps> = {}): Promise<Screen> {
  const client = props.client ?? createClient({ url: "https://auth.example.com" });
  const unmount = await render(test, <AuthProvider client={client} {...props}>{children}</AuthProvider>);
  test.after(() => client.close());
  return { client, unmount };
}

/** As `show`, once it is known who is signed in. */
export async function showSettled(test: TestContext, children: ReactNode, props: Partial<AuthProviderProps> = {}): Promise<Screen> {
  const screen = await show(test, children, props);
  await until(() => screen.client.state.status !== "loading");
  return screen;
}

export async function render(test: TestContext, element: ReactNode): Promise<() => Promise<void>> {
  document.body.innerHTML = "<div></div>";
  const root = createRoot(document.body.firstElementChild ?? document.body);
  let isMounted = true;
  const unmount = async (): Promise<void> => {
    if (isMounted) await act(async () => root.unmount());
    isMounted = false;
  };
  test.after(async () => {
    await unmount();
    localStorage.clear();
  });
  await act(async () => root.render(element));
  return unmount;
}

/** Wait until something is so. It has to be soon. */
export async function until(isSo: () => unknown): Promise<void> {
  const end = Date.now() + 20_000;
  while (!isSo()) {
    assert.ok(Date.now() < end, `never: ${isSo} in ${document.body.innerHTML}`);
    await act(() => new Promise((resolve) => setTimeout(resolve, 2)));
  }
}

export const text = (): string => document.body.textContent ?? "";
export const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(selector)];
export const alerts = (): string => all("[role=alert]").map(({ textContent }) => textContent).join("");
export const statuses = (): string => all("[role=status]").map(({ textContent }) => textContent).join("");

export function button(name: string): HTMLButtonElement {
  const found = all("button").filter((one) => (one.getAttribute("aria-label") ?? one.textContent) === name);
  assert.equal(found.length, 1, `${found.length} buttons "${name}" in ${document.body.innerHTML}`);
  return found[0] as HTMLButtonElement;
}

/** The input or select with a label. */
export function field(label: string): HTMLInputElement {
  const labels = all("label").filter(({ textContent }) => textContent === label);
  const found = labels.map((one) => document.getElementById(one.getAttribute("for") ?? ""));
  found.push(...all(`[aria-label="${label}"]`));
  assert.equal(found.length, 1, `${found.length} fields "${label}" in ${document.body.innerHTML}`);
  return found[0] as HTMLInputElement;
}

/** The error that is beside a field, as a screen reader finds it. */
export function errorOf(label: string): string {
  const input = field(label);
  if (input.getAttribute("aria-invalid") !== "true") return "";
  const ids = (input.getAttribute("aria-describedby") ?? "").split(" ");
  return ids.map((id) => document.getElementById(id)).filter((one) => one?.className === "authapp-error").map((one) => one?.textContent).join("");
}

export async function click(name: string): Promise<void> {
  await act(async () => button(name).click());
}

export async function fillIn(values: Record<string, string>): Promise<void> {
  await act(async () => {
    for (const [label, value] of Object.entries(values)) {
      const input = field(label);
      const property = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(input), "value");
      property?.set?.call(input, value); // React replaces the property of the input itself
      input.dispatchEvent(new Event(input.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
    }
  });
}
