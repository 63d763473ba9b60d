import { type ReactNode, useEffect, useRef } from "react";

import type { ApiError } from "@authapp/client";

const PRODUCT = "Acme MLOps";
let isFirst = true;

/** A page with its title. After a change of the path the focus moves to the title, as after loading a document. */
export function Page({ title, intro, children }: { title: string; intro?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${PRODUCT}`;
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, [title]);
  return (
    <>
      <header className="page-header">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {intro && <p className="muted">{intro}</p>}
        </div>
      </header>
      {children}
    </>
  );
}

export function Panel({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <section className="panel">
      {title && <h2>{title}</h2>}
      {children}
    </section>
  );
}

/** Somebody who is not signed in sees this frame: the product, and one card. */
export function Card({ title, intro, children, footer }: {
  title: string;
  intro?: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
}) {
  return (
    <main className="alone">
      <Brand />
      <div className="panel card">
        <Page title={title} intro={intro}>
          {children}
        </Page>
      </div>
      {footer && <p className="muted">{footer}</p>}
    </main>
  );
}

export function Brand() {
  return (
    <span className="brand">
      <img src="/icon.svg" alt="" width="28" height="28" />
      {PRODUCT}
    </span>
  );
}

/** What went wrong, in the words of the API: of the fields, where it is about fields. */
export function Problem({ error }: { error: ApiError | null }) {
  return error && (
    <p className="authapp-alert" role="alert">
      {Object.values(error.errors).flat().join(" ") || error.detail}
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>;
}

export const asDate = (moment: string) =>
  new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(moment));
