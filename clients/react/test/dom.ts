// A document for React: imported before react-dom, which looks for one when it is loaded.
import { Window } from "happy-dom";

const window = new Window({ url: "https://app.example.com/" });
const NAMES = [
  "window", "document", "navigator", "location", "localStorage", "Node", "Element", "HTMLElement", "HTMLInputElement",
  "HTMLIFrameElement", "Event", "KeyboardEvent", "MouseEvent", "FormData",
] as const;

for (const name of NAMES) {
  const value: unknown = name === "window" ? window : window[name];
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
Object.defineProperty(globalThis, "IS_REACT_ACT_ENVIRONMENT", { value: true, writable: true });
