// What the API answers where a call has failed.
/** An answer from 400 up (RFC 9457), or no answer: `code` is "network". */
export class Problem extends Error {
  /**
   * @param {Record<string, any>} document
   * @param {string | null} [retryAfter]
   */
  constructor(document, retryAfter) {
    super(document.detail);
    this.code = document.code;
    this.status = document.status;
    this.detail = document.detail;
    /** @type {Record<string, string[]>} */
    this.fields = document.errors?.json ?? {};
    this.document = document;
    this.retryAfter = Number(retryAfter) || 0;
  }
}
