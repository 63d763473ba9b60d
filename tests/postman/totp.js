// The code of the authenticator app (RFC 6238). A time step is accepted once, so it must be later than the last one.
const library = require("crypto-js");
const secret = pm.environment.get("totp_secret");
const [usedSecret, lastStep] = (pm.environment.get("totp_used") || "").split(" ");
const present = Math.trunc(Date.now() / 30000);
const step = Math.max(present - 1, usedSecret === secret ? Number(lastStep) + 1 : 0);
pm.environment.set("totp_used", `${secret} ${step}`);
const bits = [...secret].map((digit) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(digit).toString(2).padStart(5, "0"));
const key = bits.join("").match(/.{4}/g).map((half) => parseInt(half, 2).toString(16)).join("");
const counter = step.toString(16).padStart(16, "0");
const hash = library.HmacSHA1(library.enc.Hex.parse(counter), library.enc.Hex.parse(key)).toString();
const offset = 2 * parseInt(hash.slice(-1), 16); // RFC 4226 section 5.3
const number = parseInt(hash.slice(offset, offset + 8), 16) & 0x7fffffff;
pm.environment.set("totp_code", `${number % 1000000}`.padStart(6, "0"));
