// The code of an authenticator app (RFC 6238). A time step is accepted once, so this one is later than the last.
const secret = [...pm.environment.get("totp_secret")]
  .map((digit) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(digit).toString(2).padStart(5, "0"))
  .join("");
const key = secret.match(/.{8}/g).map((byte) => parseInt(byte, 2).toString(16).padStart(2, "0")).join("");
const now = Math.floor(Date.now() / 30000);
const last = pm.environment.get("totp_secret") === pm.environment.get("totp_used_secret") ? +pm.environment.get("totp_step") : 0;
const step = Math.max(now - 1, last + 1);
const CryptoJS = require("crypto-js");
const counter = CryptoJS.enc.Hex.parse(step.toString(16).padStart(16, "0"));
const hash = CryptoJS.HmacSHA1(counter, CryptoJS.enc.Hex.parse(key)).toString();
const offset = 2 * parseInt(hash.slice(-1), 16);
const number = parseInt(hash.slice(offset, offset + 8), 16) & 0x7fffffff;
pm.environment.set("totp_step", `${step}`);
pm.environment.set("totp_used_secret", pm.environment.get("totp_secret"));
pm.environment.set("totp_code", `${number % 1000000}`.padStart(6, "0"));
