const HERE = new URL("./package.json", import.meta.url).href;

export function resolve(specifier, context, next) {
  const isReact = /^react(-dom)?(\/|$)/.test(specifier);
  return next(specifier, isReact ? { ...context, parentURL: HERE } : context);
}
