import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `strictPort`: authapp accepts this origin only (CORS_ORIGINS), so another port would not work.
export default defineConfig({
  plugins: [react()],
  server: { host: "localhost", port: 5173, strictPort: true },
});
