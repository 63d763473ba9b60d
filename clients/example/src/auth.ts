// The one client of this app. The refresh token is in an HttpOnly cookie, the access token in a variable.
import { createClient } from "@authapp/client";

export const AUTHAPP: string = import.meta.env.VITE_AUTHAPP_URL ?? "http://localhost:8000";

export const client = createClient({ url: AUTHAPP });
